import { readSqlCases } from "../bench/cases/custom/cases.ts";
import { cases } from "../bench/cases/list.ts";
import type { Services } from "./http.ts";
import type { Config } from "../config/config.ts";
import type { Target } from "../db/connection.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import type { PoolerMode } from "../db/pool/pool.ts";
import type { Pools } from "../db/pool/open.ts";
import type { Records } from "../db/records/records.ts";
import type { Logger } from "../log.ts";
import { createBackupService } from "./backups.ts";
import { createAudit } from "../services/auth/audit.ts";
import { createAuth, settingTokens } from "../services/auth/service.ts";
import { createRehearsalService } from "./rehearsals.ts";
import { createBenchmarks } from "../services/benchmarks/service.ts";
import { ingestSource } from "../services/alerts/evaluation/sources.ts";
import type { LeaseKeeper } from "../services/alerts/storage/lease_keeper.ts";
import type { WritePreparation } from "../services/alerts/evaluation/canary.ts";
import { type Clock, systemTimers } from "../lib/clock.ts";
import { createFeeds } from "../services/ingest/judge/feeds.ts";
import { createIngest } from "../services/ingest/service.ts";
import { createQuarantine } from "../services/ingest/judge/quarantine.ts";
import { createSymbolDirectory } from "../services/ingest/judge/symbols.ts";
import { createCandleRebuild } from "../services/market/candle_rebuild.ts";
import { createExactness } from "../services/market/exactness_report.ts";
import { createInstruments } from "../services/market/instruments.ts";
import { createMarket } from "../services/market/service.ts";
import { type Changes, createChanges } from "../services/monitor/diagnosis/changes.ts";
import { createInstances } from "../services/live/instances.ts";
import { createHistory } from "../services/monitor/history/history.ts";
import { createIncidents } from "../services/monitor/incidents/incidents.ts";
import { createMonitor, type Monitor } from "../services/monitor/service.ts";
import { createSessions } from "../services/monitor/diagnosis/sessions.ts";
import { archiveDirectory } from "../services/partitions/archive/directory.ts";
import { createArchives } from "../services/partitions/archive/restore.ts";
import { createEventLoopWatch } from "../services/monitor/collect/event_loop.ts";
import { createOperations } from "../services/requests/operations.ts";
import { createRequestKeys } from "../services/requests/keys.ts";
import { createCatalogue } from "../services/partitions/catalogue.ts";
import { createConversions } from "../services/partitions/rewrite/service.ts";
import { rewriteReport } from "../services/partitions/rewrite/report.ts";
import { createPolicies } from "../services/partitions/policy_service.ts";
import { createRotation, type Rotation } from "../services/partitions/rotation.ts";
import type { TimeSources } from "../services/partitions/restraint/timekeeper.ts";
import { createVerifications } from "../services/partitions/sealing/service.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";
import { composeAlerts, instanceName } from "./alerts.ts";
import { composeLive } from "./live.ts";

/** What the routes speak to, but for what only the life of the house knows. */
export type AppServices = Omit<Services, "isPrepared" | "preparationProblem" | "rotation"> & {
  changes: Changes;
  rotation: Rotation;
  leaseKeeper: LeaseKeeper;
};

/** Makes every service and hands each what it needs; starts none. */
export function createServices(
  {
    config,
    log,
    version,
    clock,
    times,
    target,
    pooler,
    pools,
    records,
    embedded,
    access,
    writing,
  }: {
    config: Config;
    log: Logger;
    version: string;
    clock: Clock;
    times?: TimeSources | undefined;
    target: Target;
    pooler: PoolerMode;
    pools: Pools;
    records: Records;
    embedded: EmbeddedServer | undefined;
    access: WriteAccess;
    writing: WritePreparation;
  },
): AppServices {
  const instance = instanceName(config);
  const { hub, relay } = composeLive({
    target,
    pooler,
    instance,
    access,
    onLeaseReleased: () => leaseKeeper.wake(),
    clock,
    log,
  });
  const catalogue = createCatalogue();
  const directory = createSymbolDirectory();
  const onChange = () => monitor.refreshPartitions();
  const policies = createPolicies({ pool: pools.app, config, onChange });
  const conversions = createConversions({
    pool: pools.maintenance,
    policies,
    config,
    clock,
    log,
    onChange,
    onProgress: (moves) => monitor.publishRewrites(moves.map(rewriteReport)),
  });
  const rotation = createRotation({
    pool: pools.maintenance,
    catalogue,
    config,
    clock,
    times,
    log,
    onChange,
    beginDrain: conversions.beginDrain,
  });
  const feeds = createFeeds({ clock });
  const eventLoop = createEventLoopWatch();
  const ingest = createIngest({
    streams: pools.streams,
    groups: pools.groups,
    rotation,
    directory,
    feeds,
    config,
    clock,
  });
  const { alerts, canary, lease, leaseKeeper } = composeAlerts({
    config,
    instance,
    db: records.db,
    access,
    preparation: writing,
    isDiskFull: () => ingest.counters().diskFullSince !== undefined,
    // The backups' ages belong here too: backupSource(() => …).
    sources: [ingestSource({ ingest, feeds }), eventLoop],
    hub: relay,
    clock,
    log,
  });
  const [writer, reader, now] = [pools.watchSlow, pools.app, () => clock.now().getTime()];
  const history = createHistory({ writer, reader, config, access, clock, log, instance });
  const changes = createChanges({ now });
  const incidents = createIncidents({ pool: writer, reader, history, changes, access, now, log });
  const backups = createBackupService({
    config,
    log,
    clock,
    target,
    pooler,
    pool: pools.maintenance,
    embedded,
    hub: relay,
  });
  const monitor: Monitor = createMonitor({
    fastPool: pools.watchFast,
    slowPool: pools.watchSlow,
    appPool: pools.app,
    catalogue,
    ingest,
    backups,
    alerts,
    history,
    changes,
    incidents,
    writeWatch: { ...access, check: canary.check },
    hub: relay,
    config,
    clock,
    log,
  });
  return {
    writeAccess: access,
    ingest,
    feeds,
    quarantine: createQuarantine({ pool: pools.app, ingest, config }),
    market: createMarket({ pool: pools.app }),
    candleRebuild: createCandleRebuild({ pool: pools.app, catalogue }),
    instruments: createInstruments({ pool: pools.app, onChange: () => directory.forget() }),
    exactness: createExactness({ pool: pools.app }),
    policies,
    rotation,
    conversions,
    verifications: createVerifications({ pool: pools.maintenance, clock, log, onChange }),
    archives: createArchives({
      pool: pools.maintenance,
      catalogue,
      config,
      clock,
      directory: archiveDirectory(config),
      onChange,
    }),
    monitor,
    changes,
    incidents,
    sessions: createSessions({ pool: pools.watchFast, log }),
    alerts,
    backups,
    benchmarks: createBenchmarks({
      cases: [...cases, ...readSqlCases(config.HOLDFAST_BENCH_CASES)],
      target,
      pooler,
      records: records.db,
      hub: relay,
      clock,
      log,
      targets: config.HOLDFAST_BENCH_TARGETS,
    }),
    rehearsals: createRehearsalService({
      config,
      log,
      clock,
      target,
      pooler,
      pool: pools.maintenance,
      records: records.db,
      embedded,
      backups,
      monitor,
      hub,
    }),
    eventLoop,
    requestKeys: createRequestKeys({ pool: pools.app, log }),
    operations: createOperations({ pool: pools.app, clock, log }),
    hub,
    relay,
    leaseKeeper,
    instances: createInstances({
      db: records.db,
      name: instance,
      version,
      access,
      judges: lease.leads,
      clock,
      log,
    }),
    auth: createAuth({
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
    clock,
  };
}
