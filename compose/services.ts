import { cases } from "../bench/mod.ts";
import type { Services } from "../app.ts";
import type { Config } from "../config.ts";
import type { Target } from "../db/connection.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import type { PoolerMode } from "../db/pool.ts";
import type { Pools } from "../db/pools.ts";
import type { Records } from "../db/records.ts";
import type { Logger } from "../log.ts";
import { createBackupService } from "./backups.ts";
import { createAccess } from "../services/access.ts";
import { createAlerts } from "../services/alerts/alerts.ts";
import { buildRules } from "../services/alerts/rules.ts";
import { createAlertStore } from "../services/alerts/store.ts";
import { createBenchmarks } from "../services/benchmarks/service.ts";
import type { Clock } from "../services/clock.ts";
import { createHub } from "../services/hub.ts";
import { createFeeds } from "../services/ingest/feeds.ts";
import { createIngest } from "../services/ingest/ingest.ts";
import { createQuarantine } from "../services/ingest/quarantine.ts";
import { createSymbolDirectory } from "../services/ingest/symbols.ts";
import { createCandleRebuild } from "../services/market/candle_rebuild.ts";
import { createExactness } from "../services/market/exactness_report.ts";
import { createInstruments } from "../services/market/instruments.ts";
import { createMarket } from "../services/market/market.ts";
import { createMonitor, type Monitor } from "../services/monitor/monitor.ts";
import { createSessions } from "../services/monitor/sessions.ts";
import { createCatalogue } from "../services/partitions/catalogue.ts";
import { createPolicies } from "../services/partitions/policies.ts";
import { createRotation, type Rotation } from "../services/partitions/rotation.ts";

/** What the routes speak to, but for what only the life of the house knows. */
export type HouseServices = Omit<Services, "isPrepared" | "preparationProblem" | "rotation"> & {
  rotation: Rotation;
};

/** Makes every service and hands each what it needs; starts none. */
export function createServices(
  { config, log, clock, target, pooler, pools, records, embedded }: {
    config: Config;
    log: Logger;
    clock: Clock;
    target: Target;
    pooler: PoolerMode;
    pools: Pools;
    records: Records;
    embedded: EmbeddedServer | undefined;
  },
): HouseServices {
  const hub = createHub({ clock });
  const catalogue = createCatalogue();
  const directory = createSymbolDirectory();
  const onChange = () => monitor.refreshPartitions();
  const rotation = createRotation({
    pool: pools.maintenance,
    catalogue,
    config,
    clock,
    log,
    onChange,
  });
  const feeds = createFeeds({ clock });
  const ingest = createIngest({
    streams: pools.streams,
    groups: pools.groups,
    rotation,
    directory,
    feeds,
    config,
    clock,
  });
  const alerts = createAlerts({
    rules: buildRules(config.HOLDFAST_PROFILE, config.alertOverrides),
    store: createAlertStore(records.db),
    hub,
    clock,
    log,
  });
  const backups = createBackupService({
    config,
    log,
    clock,
    target,
    pooler,
    pool: pools.maintenance,
    embedded,
    hub,
  });
  const monitor: Monitor = createMonitor({
    fastPool: pools.watchFast,
    slowPool: pools.watchSlow,
    appPool: pools.app,
    catalogue,
    ingest,
    backups,
    alerts,
    hub,
    config,
    clock,
    log,
  });
  return {
    ingest,
    feeds,
    quarantine: createQuarantine({ pool: pools.app, ingest, config, clock }),
    market: createMarket({ pool: pools.app }),
    candleRebuild: createCandleRebuild({ pool: pools.app, catalogue }),
    instruments: createInstruments({ pool: pools.app, onChange: () => directory.forget() }),
    exactness: createExactness({ pool: pools.app }),
    policies: createPolicies({ pool: pools.app, config, onChange }),
    rotation,
    monitor,
    sessions: createSessions({ pool: pools.watchFast, log }),
    alerts,
    backups,
    benchmarks: createBenchmarks({
      cases,
      target,
      pooler,
      records: records.db,
      hub,
      clock,
      log,
      targets: config.HOLDFAST_BENCH_TARGETS,
    }),
    hub,
    access: createAccess({
      adminToken: config.HOLDFAST_TOKEN,
      readToken: config.HOLDFAST_READ_TOKEN,
      clock,
    }),
    clock,
  };
}
