import { createApp } from "./http.ts";
import { doEach } from "./chores.ts";
import { endsWithin } from "../lib/ends_within.ts";
import { createPreparation, type StartRetry } from "./preparation.ts";
import { createServices } from "./services.ts";
import type { Config } from "../config/config.ts";
import { describeConnectFailure } from "../db/address/failure.ts";
import { type Target, targetOf } from "../db/address/target.ts";
import { createEmbeddedServer, type EmbeddedServer } from "../db/embedded/server.ts";
import { forgetKeys } from "../db/market/idempotency.ts";
import { createWriting } from "./writing.ts";
import { migrate } from "../db/migrate.ts";
import { migrations } from "../db/migrations/list.ts";
import type { PoolerMode } from "../db/pool/pool.ts";
import { openPools } from "../db/pool/open.ts";
import { openRecords } from "../db/records/records.ts";
import { messageOf, StartError } from "../errors.ts";
import { createRequestScope } from "../lib/request_scope.ts";
import type { Logger } from "../log.ts";
import type { Upgrade } from "../runtime/types.ts";
import type { Backups } from "../services/backups/service.ts";
import type { Benchmarks } from "../services/benchmarks/service.ts";
import { findWeaknesses } from "../services/auth/weaknesses.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Rehearsals } from "../services/rehearsals/service.ts";
import type { TimeSources } from "../services/partitions/restraint/timekeeper.ts";
import type { Monitor } from "../services/monitor/service.ts";
import { runsOutSoon } from "../services/partitions/report/report.ts";
import { createWriteAccess } from "../services/monitor/write_access/access.ts";

export interface Holdfast {
  /** Answers a request that came from the address `remote`. */
  handle(request: Request, remote?: string): Response | Promise<Response>;
  /** How the listener bounds requests, and answers those that it does not hand on. */
  listening: ReturnType<typeof createApp>["listening"];
  document: ReturnType<typeof createApp>["document"];
  /** Starts the database where it is ours, migrates, makes partitions, begins to watch; `signal` gives up. */
  start(signal?: AbortSignal): Promise<void>;
  /** What must be done each minute and each hour. */
  everyMinute(): Promise<void>;
  everyHour(): Promise<void>;
  /** Tells WebSocket clients that the server goes away. */
  closeLive(): void;
  /** Ends in order, and after `withinMs` whatever is still under way. The embedded server is stopped in any case. */
  stop(withinMs?: number): Promise<void>;
  /** Stops the embedded server and leaves all else as it is: the process is about to end. */
  stopNow(): Promise<void>;
  monitor: Monitor;
  benchmarks: Benchmarks;
  backups: Backups;
  rehearsals: Rehearsals;
  target: Target;
}

/**
 * What a Holdfast is for: a `server` does everything; a `tool` is there for one command, and rotates nothing by the way;
 * a `reader` changes nothing at all.
 */
export type Purpose = "server" | "tool" | "reader";

/** Puts the house together. Everything is made here and handed down; nothing is global, nothing starts by itself. */
export async function createHoldfast(
  {
    config,
    log,
    upgrade,
    version,
    clock = systemClock,
    times,
    retry,
    purpose = "server",
    say = () => {},
  }: {
    config: Config;
    log: Logger;
    upgrade: Upgrade;
    version: string;
    clock?: Clock;
    /** For tests: where rotations have their time from. */
    times?: TimeSources;
    /** For tests: how long a start goes on trying. */
    retry?: StartRetry;
    purpose?: Purpose;
    /** Writes a plain line for the person at the terminal. */
    say?: (line: string) => void;
  },
): Promise<Holdfast> {
  const embedded: EmbeddedServer | undefined = config.DATABASE_URL
    ? undefined
    : await createEmbeddedServer({
      dataDir: config.HOLDFAST_DATA_DIR,
      log,
      walSeconds: config.HOLDFAST_WAL_SECONDS,
    });
  const target: Target = embedded?.target ??
    targetOf(config.DATABASE_URL ?? "", config.libpqVariables);
  const pooler: PoolerMode = { pooled: config.HOLDFAST_POOLER === "transaction" };
  const scope = createRequestScope();
  const pools = openPools(target, pooler, config, scope);
  const records = openRecords({
    target,
    applicationName: "holdfast-records",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
    pooler,
  });
  const access = createWriteAccess({ clock, log });
  const writing = createWriting({
    pools,
    records,
    access,
    allowPublished: config.HOLDFAST_ALLOW_PUBLISHED,
    async load() {
      if (purpose === "server") await relay.start();
      await alerts.load();
      if (purpose === "server") {
        leaseKeeper.start();
        instances.start();
      }
      await changes.load(pools.app);
      changes.started(version);
      await benchmarks.sweepOrphans();
      await backups.prepare().catch((error) =>
        log.error("backups_not_ready", { error: messageOf(error) })
      );
      await rehearsals.prepare().catch((error) =>
        log.error("rehearsals_not_ready", { error: messageOf(error) })
      );
      if (purpose !== "server") return;
      await rotation.rotate("start");
      conversions.wake();
    },
    log,
  });
  const services = createServices({
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
    writing: { ...writing, isStarted: () => preparation.isDone() },
  });
  const {
    alerts,
    audit,
    auth,
    backups,
    benchmarks,
    changes,
    conversions,
    instances,
    leaseKeeper,
    monitor,
    operations,
    quarantine,
    relay,
    requestKeys,
    rehearsals,
    rotation,
  } = services;
  if (purpose === "server") {
    await auth.load();
    for (const { serious, what } of await findWeaknesses(config, clock.now())) {
      if (serious) log.warn("access_is_weak", { detail: what });
    }
  }
  const stopping = new AbortController();

  const preparation = createPreparation({
    embedded,
    async prepare() {
      if (purpose !== "reader") return await writing.prepare({ mustWrite: purpose === "tool" });
      const pending = await pools.maintenance.run((sql) =>
        migrate(sql, migrations, { dryRun: true })
      );
      if (pending.length === 0) return;
      throw new StartError(
        `The database lacks ${
          pending.join(", ")
        } of Holdfast's tables: start deno task serve once, which makes them`,
      );
    },
    whileAway() {
      if (purpose !== "reader") monitor.start();
    },
    describeFailure: (error) => describeConnectFailure(error, target),
    givesUp: purpose !== "server",
    say,
    isUnreachable: () => !monitor.isReachable(),
    onRestart: () => monitor.checkNow(),
    log,
    retry,
  });
  const app = createApp({
    services: {
      ...services,
      isPrepared: preparation.isDone,
      preparationProblem: preparation.problem,
    },
    scope,
    config,
    log,
    upgrade,
    version,
  });

  return {
    handle: app.handle,
    listening: app.listening,
    document: app.document,
    monitor,
    benchmarks,
    backups,
    rehearsals,
    target,
    closeLive: () => app.live.closeAll(),
    async start(signal) {
      if (purpose === "server") {
        auth.start();
        audit.start();
      }
      const given = signal ? [signal, stopping.signal] : [stopping.signal];
      await preparation.untilDone(AbortSignal.any(given));
      if (!preparation.isDone() || purpose === "reader") return;
      // On a standby nothing was loaded.
      if (purpose === "server") await relay.start();
      monitor.start();
      await monitor.checkNow();
      preparation.supervisor.start();
    },
    async everyMinute() {
      const prepared = preparation.isDone();
      const { checkedAt, now, unreachable } = monitor.snapshot();
      const age = checkedAt === undefined ? undefined : now - checkedAt;
      if (prepared && !unreachable && (age === undefined || age > 60_000)) {
        log.error("watching_has_stopped", { age_ms: age });
      }
      if (!prepared || unreachable || !access.canWrite()) return;
      await doEach({
        idempotency_keys: () =>
          pools.maintenance.run((sql) =>
            forgetKeys(sql, { days: config.HOLDFAST_IDEMPOTENCY_DAYS, limit: 10_000 })
          ),
        request_keys: () => requestKeys.forget(config.HOLDFAST_IDEMPOTENCY_DAYS),
        operations: () => operations.tidy(),
        quarantine: () => quarantine.expire(),
        conversions: () => conversions.wake(),
        history: () => monitor.history.upkeep(),
        async rotation() {
          if (runsOutSoon(monitor.snapshot().tables)) {
            await rotation.rotate("a table runs out soon");
          }
        },
        backups: () => backups.everyMinute(),
      }, log);
    },
    async everyHour() {
      if (!preparation.isDone() || !access.canWrite()) return;
      await doEach({
        rotation: () => rotation.rotate("schedule"),
        audit: () => audit.expire(),
      }, log);
    },
    async stop(withinMs = 30_000) {
      stopping.abort();
      const inOrder = async () => {
        await preparation.supervisor.stop();
        await operations.stop();
        await conversions.stop();
        await benchmarks.stop();
        await rehearsals.stop();
        await backups.stop();
        await monitor.stop();
        await leaseKeeper.stop();
        await alerts.stop();
        await instances.stop();
        await relay.stop();
        await auth.stop();
        await audit.stop();
        await Promise.all([...Object.values(pools).map((pool) => pool.end()), records.end()]);
      };
      if (!await endsWithin(inOrder(), withinMs)) {
        log.warn("stop_cut_short", { within_ms: withinMs });
      }
      await embedded?.stop();
    },
    stopNow: async () => await embedded?.stopNow(),
  };
}
