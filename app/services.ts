import { readSqlCases } from "../bench/cases/custom/cases.ts";
import { cases } from "../bench/cases/list.ts";
import type { Services } from "./http.ts";
import { createBackupService } from "./backups.ts";
import { createRehearsalService } from "./rehearsals.ts";
import { checkTargets } from "../services/benchmarks/categories.ts";
import { type Benchmarks, createBenchmarks } from "../services/benchmarks/service.ts";
import { ingestSource } from "../services/alerts/evaluation/sources.ts";
import type { LeaseKeeper } from "../services/alerts/storage/lease_keeper.ts";
import type { WritePreparation } from "../services/alerts/evaluation/canary.ts";
import type { Changes } from "../services/monitor/diagnosis/changes.ts";
import type { Publisher } from "../services/live/hub.ts";
import { systemTimers } from "../lib/clock.ts";
import { createAudit } from "../services/auth/audit.ts";
import { type Auth, createAuth, settingTokens } from "../services/auth/service.ts";
import { createRequestKeys } from "../services/requests/keys.ts";
import { createRequestLog } from "../services/requests/request_log.ts";
import { createOperations } from "../services/requests/operations.ts";
import { createInstances } from "../services/live/instances.ts";
import {
  createEventLoopWatch,
  type EventLoopWatch,
} from "../services/monitor/collect/event_loop.ts";
import type { MarketReads } from "../services/market/reads/service.ts";
import type { Monitor } from "../services/monitor/service.ts";
import { createChangedPlans } from "../services/rehearsals/changed_plans.ts";
import type { Rotation } from "../services/partitions/rotation.ts";
import { composeAlerts, instanceName } from "./alerts.ts";
import type { Foundation } from "./foundation.ts";
import { composeLive } from "./live.ts";
import { composeMarket } from "./market.ts";
import { composeMonitor } from "./monitor.ts";
import { composePartitions } from "./partitions.ts";

/** What the routes need, except for the state of the start; and what only start and stop need. */
export type AppServices =
  & Omit<
    Services,
    "eventLoop" | "isPrepared" | "preparationProblem" | "members" | "databaseName" | "rotation"
  >
  & {
    changes: Changes;
    reads: MarketReads;
    rotation: Rotation;
    leaseKeeper: LeaseKeeper;
    eventLoop: EventLoopWatch;
  };

/** What all databases of one process use together: the first one's, which starts and stops it. */
export interface Shared {
  auth: Auth;
  eventLoop: EventLoopWatch;
}

/** Makes the benchmarks: the cases that Holdfast brings, and those of the settings. */
function composeBenchmarks(
  { config, target, pooler, records, clock, log }: Foundation,
  hub: Publisher,
): Benchmarks {
  checkTargets(config.HOLDFAST_BENCH_TARGETS);
  return createBenchmarks({
    cases: [...cases, ...readSqlCases(config.HOLDFAST_BENCH_CASES)],
    target,
    pooler,
    records,
    hub,
    clock,
    log,
    targets: config.HOLDFAST_BENCH_TARGETS,
  });
}

/** Makes the alerts. Their values come from the monitor, and from the sources given here. */
function wireAlerts(
  { config, records, access, clock, log }: Foundation,
  rest: Pick<
    Parameters<typeof composeAlerts>[0],
    "instance" | "preparation" | "isDiskFull" | "sources" | "hub"
  >,
): ReturnType<typeof composeAlerts> {
  return composeAlerts({ config, db: records, access, clock, log, ...rest });
}

/** Makes the services that every request may need: access, audit, idempotency keys and long operations. */
function composeRequests(
  { config, clock, log, pools, access }: Foundation,
  instance: string,
  auth: Auth | undefined,
): Pick<AppServices, "auth" | "audit" | "requestKeys" | "requestLog" | "operations"> {
  return {
    auth: auth ?? createAuth({
      settings: settingTokens(config),
      dataDir: config.HOLDFAST_DATA_DIR,
      clock,
      timers: systemTimers,
      log,
    }),
    audit: createAudit({
      pool: pools.maintenance,
      access,
      instance,
      days: config.HOLDFAST_AUDIT_DAYS,
      rowsMax: config.HOLDFAST_AUDIT_ROWS_MAX,
      clock,
      log,
    }),
    requestKeys: createRequestKeys({ pool: pools.app, log }),
    requestLog: createRequestLog({ log, slowMs: config.HOLDFAST_SLOW_REQUEST_MS }),
    operations: createOperations({ pool: pools.app, clock, log }),
  };
}

/** Returns the watch on the event loop, and its values for the alerts. Only the process's first database starts and stops it. */
function watchEventLoop(shared: Shared | undefined) {
  const eventLoop = shared?.eventLoop ?? createEventLoopWatch();
  return { eventLoop, loopSource: shared ? { values: eventLoop.values } : eventLoop };
}

/** Makes every service and gives each what it needs; starts none. A further database of the process is given what it shares. */
export function createServices(
  foundation: Foundation,
  writing: WritePreparation,
  shared?: Shared,
): AppServices {
  const { config, log, clock, target, pooler, pools, records, embedded, access } = foundation;
  const instance = instanceName(config);
  const { hub, relay } = composeLive(foundation, {
    instance,
    onLeaseReleased: () => leaseKeeper.wake(),
  });
  const monitor = (): Monitor => monitoring.monitor;
  const { catalogue, ...partitions } = composePartitions(foundation, monitor);
  const market = composeMarket(foundation, { catalogue, rotation: partitions.rotation });
  const { ingest, feeds, reads } = market;
  const { eventLoop, loopSource } = watchEventLoop(shared);
  const { alerts, canary, lease, leaseKeeper } = wireAlerts(foundation, {
    instance,
    preparation: writing,
    isDiskFull: () => ingest.counters().diskFullSince !== undefined,
    sources: [ingestSource({ ingest, feeds }), loopSource],
    hub: relay,
  });
  const common = { config, log, clock, target, pooler, pool: pools.maintenance, embedded };
  const backups = createBackupService({ ...common, hub: relay });
  const changedPlans = createChangedPlans();
  const monitoring = composeMonitor(foundation, {
    instance,
    changedPlans,
    catalogue,
    ingest,
    reads,
    backups,
    alerts,
    canary,
    hub: relay,
  });
  return {
    ...market,
    ...partitions,
    ...monitoring,
    ...composeRequests(foundation, instance, shared?.auth),
    writeAccess: access,
    alerts,
    backups,
    benchmarks: composeBenchmarks(foundation, relay),
    rehearsals: createRehearsalService({
      ...common,
      records,
      backups,
      monitor: monitoring.monitor,
      changes: monitoring.changes,
      changedPlans,
      hub,
    }),
    eventLoop,
    hub,
    relay,
    leaseKeeper,
    instances: createInstances({ ...foundation, db: records, name: instance, judges: lease.leads }),
    clock,
  };
}
