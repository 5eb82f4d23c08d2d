import { createApp } from "./app.ts";
import { cases } from "./bench/mod.ts";
import type { Config } from "./config.ts";
import type { Target } from "./db/connection.ts";
import { createEmbeddedServer, type EmbeddedServer } from "./db/embedded/server.ts";
import { describeDatabaseError } from "./db/errors.ts";
import { forgetKeys } from "./db/market/idempotency.ts";
import { migrate } from "./db/migrate.ts";
import { migrations } from "./db/migrations/list.ts";
import type { PoolerMode } from "./db/pool.ts";
import { openPools } from "./db/pools.ts";
import { openRecords } from "./db/records.ts";
import { HoldfastError, StartError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Upgrade } from "./runtime/types.ts";
import { createAccess } from "./services/access.ts";
import { createAlerts } from "./services/alerts/alerts.ts";
import { buildRules } from "./services/alerts/rules.ts";
import { createAlertStore } from "./services/alerts/store.ts";
import { createBenchmarks } from "./services/benchmarks/service.ts";
import { type Clock, systemClock } from "./services/clock.ts";
import { createHub } from "./services/hub.ts";
import { createFeeds } from "./services/ingest/feeds.ts";
import { createIngest } from "./services/ingest/ingest.ts";
import { createQuarantine } from "./services/ingest/quarantine.ts";
import { createSymbolDirectory } from "./services/ingest/symbols.ts";
import { createLoop } from "./services/loop.ts";
import { createInstruments } from "./services/market/instruments.ts";
import { createExactness } from "./services/market/exactness_report.ts";
import { createCandleRebuild } from "./services/market/candle_rebuild.ts";
import { createMarket } from "./services/market/market.ts";
import type { Check } from "./services/monitor/health.ts";
import { createMonitor, type Monitor } from "./services/monitor/monitor.ts";
import { runsOutSoon } from "./services/monitor/partition_report.ts";
import { createSessions } from "./services/monitor/sessions.ts";
import { createCatalogue } from "./services/partitions/catalogue.ts";
import { createPolicies } from "./services/partitions/policies.ts";
import { createRotation } from "./services/partitions/rotation.ts";

export interface Holdfast {
  handle(request: Request): Response | Promise<Response>;
  document: ReturnType<typeof createApp>["document"];
  /** Starts the database where it is ours, migrates, makes partitions, begins to watch; `signal` gives up. */
  start(signal?: AbortSignal): Promise<void>;
  /** What must be done each minute and each hour. */
  everyMinute(): Promise<void>;
  everyHour(): Promise<void>;
  /** Tells WebSocket clients that the server goes away. */
  closeLive(): void;
  stop(): Promise<void>;
  monitor: Monitor;
  benchmarks: ReturnType<typeof createBenchmarks>;
  target: Target;
}

const retryMs = [250, 500, 1_000, 2_000, 5_000];
const waitAfter = (failures: number) => retryMs[Math.min(failures, retryMs.length) - 1] ?? 0;

/** Puts the house together. Everything is made here and handed down; nothing is global, nothing starts by itself. */
export async function createHoldfast(
  { config, log, upgrade, version, clock = systemClock }: {
    config: Config;
    log: Logger;
    upgrade: Upgrade;
    version: string;
    clock?: Clock;
  },
): Promise<Holdfast> {
  const embedded: EmbeddedServer | undefined = config.DATABASE_URL
    ? undefined
    : await createEmbeddedServer({ dataDir: config.HOLDFAST_DATA_DIR, log });
  const target: Target = embedded?.target ?? { kind: "url", url: config.DATABASE_URL ?? "" };
  const pooler: PoolerMode = { pooled: config.HOLDFAST_POOLER === "transaction" };
  const pools = openPools(target, pooler, config);
  const records = openRecords({
    target,
    applicationName: "holdfast-records",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
    pooler,
  });

  let prepared = false;
  let preparationError: string | undefined;
  /** Why the embedded server could not be brought back, and when that is tried again. */
  let restart: { problem: string; failures: number; nextAt: number } | undefined;
  const stopping = new AbortController();
  const hub = createHub({ clock });
  const catalogue = createCatalogue();
  const directory = createSymbolDirectory();
  const rotation = createRotation({
    pool: pools.maintenance,
    catalogue,
    config,
    clock,
    log,
    onChange: () => monitor.refreshPartitions(),
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
  const quarantine = createQuarantine({ pool: pools.app, ingest, config, clock });
  const alerts = createAlerts({
    rules: buildRules(config.HOLDFAST_PROFILE, config.alertOverrides),
    store: createAlertStore(records.db),
    hub,
    clock,
    log,
  });
  const monitor: Monitor = createMonitor({
    fastPool: pools.watchFast,
    slowPool: pools.watchSlow,
    appPool: pools.app,
    catalogue,
    ingest,
    alerts,
    hub,
    config,
    clock,
    log,
  });
  const benchmarks = createBenchmarks({
    cases,
    target,
    pooler,
    records: records.db,
    hub,
    clock,
    log,
    targets: config.HOLDFAST_BENCH_TARGETS,
  });
  const access = createAccess({
    adminToken: config.HOLDFAST_TOKEN,
    readToken: config.HOLDFAST_READ_TOKEN,
    clock,
  });
  const app = createApp({
    services: {
      ingest,
      feeds,
      quarantine,
      market: createMarket({ pool: pools.app }),
      candleRebuild: createCandleRebuild({ pool: pools.app, catalogue }),
      instruments: createInstruments({ pool: pools.app, onChange: () => directory.forget() }),
      exactness: createExactness({ pool: pools.app }),
      policies: createPolicies({
        pool: pools.app,
        config,
        onChange: () => monitor.refreshPartitions(),
      }),
      rotation,
      monitor,
      sessions: createSessions({ pool: pools.watchFast, log }),
      alerts,
      benchmarks,
      hub,
      access,
      clock,
      isPrepared: () => prepared,
      preparationProblem,
    },
    config,
    log,
    upgrade,
    version,
  });

  function preparationProblem(): Check | undefined {
    if (!prepared) {
      return {
        name: "preparation",
        status: preparationError === undefined ? "unknown" : "unhealthy",
        detail: preparationError ?? "the database is being prepared",
        observed_at: null,
      };
    }
    if (!restart) return undefined;
    return {
      name: "embedded_postgres",
      status: "unhealthy",
      detail: restart.problem,
      observed_at: null,
    };
  }

  async function prepareDatabase(): Promise<void> {
    const applied = await pools.maintenance.run((sql) => migrate(sql, migrations), {
      deadlineMs: 180_000,
    });
    if (applied.length > 0) log.info("migrated", { migrations: applied });
    await alerts.load();
    await benchmarks.sweepOrphans();
    await rotation.rotate("start");
    prepared = true;
  }

  /** A database that is away is waited for; one that cannot serve us stops the start, a signal ends it. */
  async function prepareUntilDone(signal: AbortSignal): Promise<void> {
    const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
    aborted.catch(() => {});
    signal.addEventListener("abort", abort, { once: true });
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        // Never left alone half-way: a server that came up after the stop would be an orphan.
        if (embedded) {
          const how = await embedded.start();
          log.info("embedded_postgres_ready", { how, directory: embedded.directory });
        }
        return await Promise.race([prepareDatabase(), aborted]);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StartError) throw error;
        if (error instanceof Error && error.cause instanceof StartError) throw error.cause;
        preparationError = `the database cannot be prepared: ${describeDatabaseError(error)}`;
        log.error("database_not_ready", { attempt, error: describeDatabaseError(error) });
        monitor.start();
        const wait = new Promise((done) => setTimeout(done, waitAfter(attempt + 1)));
        await Promise.race([wait, aborted]).catch(() => {});
      }
    }
  }

  /** The embedded server is ours to bring back when it dies. */
  const supervisor = createLoop({
    name: "supervise_embedded_postgres",
    everyMs: 1_000,
    log,
    async job() {
      if (!embedded || !prepared) return;
      if (!monitor.snapshot().unreachable || await embedded.isRunning()) {
        restart = undefined;
        return;
      }
      if (restart && performance.now() < restart.nextAt) return;
      if (!restart) log.error("embedded_postgres_died", { action: "restart" });
      try {
        await embedded.start();
      } catch (error) {
        const failures = (restart?.failures ?? 0) + 1;
        // The words of other errors are for the log: they quote the server's.
        const problem = error instanceof HoldfastError
          ? error.message
          : "the embedded Postgres does not start; Holdfast's log says why";
        restart = { problem, failures, nextAt: performance.now() + waitAfter(failures) };
        throw error;
      }
      restart = undefined;
      log.info("embedded_postgres_restarted");
      await monitor.checkNow();
    },
  });

  return {
    handle: app.handle,
    document: app.document,
    monitor,
    benchmarks,
    target,
    closeLive: () => app.live.closeAll(),
    async start(signal) {
      await prepareUntilDone(signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal);
      if (!prepared) return;
      monitor.start();
      await monitor.checkNow();
      supervisor.start();
    },
    async everyMinute() {
      const { checkedAt, now, unreachable } = monitor.snapshot();
      const age = checkedAt === undefined ? undefined : now - checkedAt;
      if (prepared && !unreachable && (age === undefined || age > 60_000)) {
        log.error("watching_has_stopped", { age_ms: age });
      }
      if (!prepared || unreachable) return;
      await pools.maintenance.run((sql) =>
        forgetKeys(sql, { days: config.HOLDFAST_IDEMPOTENCY_DAYS, limit: 10_000 })
      );
      await quarantine.expire();
      if (runsOutSoon(monitor.snapshot().tables)) await rotation.rotate("a table runs out soon");
    },
    async everyHour() {
      if (prepared) await rotation.rotate("schedule");
    },
    async stop() {
      stopping.abort();
      await supervisor.stop();
      await benchmarks.stop();
      await monitor.stop();
      await Promise.all([...Object.values(pools).map((pool) => pool.end()), records.end()]);
      await embedded?.stop();
    },
  };
}
