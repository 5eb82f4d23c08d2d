import type { Alerts } from "../services/alerts/service.ts";
import type { Canary } from "../services/alerts/evaluation/canary.ts";
import type { Backups } from "../services/backups/service.ts";
import type { Ingest } from "../services/ingest/service.ts";
import type { MarketReads } from "../services/market/reads/service.ts";
import type { Publisher } from "../services/live/hub.ts";
import { createDiskReader } from "../services/monitor/collect/disk.ts";
import { type Changes, createChanges } from "../services/monitor/diagnosis/changes.ts";
import { createSessions, type Sessions } from "../services/monitor/diagnosis/sessions.ts";
import { createHistory } from "../services/monitor/history/history.ts";
import { createIncidents, type Incidents } from "../services/monitor/incidents/incidents.ts";
import { createPlanner, type Planner } from "../services/monitor/statements/planner.ts";
import { createMonitor, type Monitor } from "../services/monitor/service.ts";
import type { ChangedPlans } from "../services/rehearsals/changed_plans.ts";
import type { Catalogue } from "../services/partitions/catalogue.ts";
import type { Foundation } from "./foundation.ts";

export interface MonitorServices {
  monitor: Monitor;
  changes: Changes;
  incidents: Incidents;
  sessions: Sessions;
  planner: Planner;
}

/** Makes the monitor and what it needs: history, the list of changes, incidents and sessions. */
export function composeMonitor(
  { config, clock, log, pools, access, embedded }: Foundation,
  { instance, canary, ...rest }: {
    instance: string;
    catalogue: Catalogue;
    ingest: Ingest;
    reads: MarketReads;
    backups: Backups;
    changedPlans: ChangedPlans;
    alerts: Alerts;
    canary: Canary;
    hub: Publisher;
  },
): MonitorServices {
  const { watchFast: fastPool, watchSlow: slowPool, app: appPool } = pools;
  const now = () => clock.now().getTime();
  const history = createHistory({
    writer: slowPool,
    reader: appPool,
    config,
    access,
    clock,
    log,
    instance,
  });
  const changes = createChanges({ now });
  const incidents = createIncidents({
    pool: slowPool,
    reader: appPool,
    history,
    changes,
    access,
    now,
    log,
  });
  const monitor = createMonitor({
    ...rest,
    fastPool,
    slowPool,
    appPool,
    history,
    changes,
    incidents,
    writeWatch: { ...access, check: canary.check },
    readDisk: embedded && createDiskReader(embedded.directory),
    config,
    clock,
    log,
  });
  return {
    monitor,
    changes,
    incidents,
    sessions: createSessions({ pool: fastPool, log }),
    planner: createPlanner({ pool: appPool, snapshot: monitor.snapshot, changes, clock }),
  };
}
