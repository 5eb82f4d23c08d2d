import type { Config } from "../../config.ts";
import type { Tier } from "../../db/collectors/list.ts";
import type { Pool } from "../../db/pool.ts";
import type { Logger } from "../../log.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { BackupHealth } from "../backups/report.ts";
import type { Clock } from "../clock.ts";
import type { Publisher } from "../hub.ts";
import type { IngestCounters } from "../ingest/ingest.ts";
import { createLoop, type Loop } from "../loop.ts";
import type { Catalogue } from "../partitions/catalogue.ts";
import { takeReading } from "./collect.ts";
import { createCollection } from "./collection.ts";
import { evidenceFor } from "./evidence.ts";
import { databasePerformance, metricValues, overallStatus } from "./health.ts";
import { createHistory, type History } from "./history.ts";
import { deriveMetrics, poolMetrics } from "./metrics.ts";
import { partitionCure } from "./partition_cure.ts";
import { readTables } from "./partition_reading.ts";
import { reportTable, type TableReading } from "./partition_report.ts";
import { emptyReading, type Reading } from "./reading.ts";
import { signals } from "./signals/list.ts";
import { completeSignals, readSignals } from "./signals/signal.ts";
import type { Snapshot, Status } from "./snapshot.ts";

export interface Monitor {
  start(): void;
  stop(): Promise<void>;
  /** The present state from what was last read; asks the database nothing. */
  snapshot(): Snapshot;
  /** Reads partitions again soon, after they changed. */
  refreshPartitions(): void;
  /** Checks now whether the server answers; used at start and by tests. */
  checkNow(): Promise<void>;
  /** Runs a tier now, or joins the run under way. */
  runNow(tier: Tier): Promise<void>;
  history: History;
}

type MonitorConfig = Pick<
  Config,
  | "HOLDFAST_FAST_TIER_SECONDS"
  | "HOLDFAST_BROADCAST_SECONDS"
  | "HOLDFAST_SLOW_TIER_SECONDS"
  | "HOLDFAST_HOURLY_TIER_SECONDS"
  | "HOLDFAST_BACKFILL_HORIZON_DAYS"
  | "HOLDFAST_PREMAKE_DAYS"
  | "HOLDFAST_RETENTION_DAYS"
  | "HOLDFAST_MAX_PARTITIONS"
>;

const slowDeadlineMs = 12_000;
/** Ticks stored after which the sizes are read again before their time. */
const resizeRows = 50_000;

/** Watches the database in tiers over at most two connections of its own, and tells what it sees. */
export function createMonitor(
  { fastPool, slowPool, appPool, catalogue, ingest, backups, alerts, hub, config, clock, log }: {
    fastPool: Pool;
    slowPool: Pool;
    appPool: Pick<Pool, "stats">;
    catalogue: Catalogue;
    ingest: { counters(): IngestCounters };
    backups: { report(): BackupHealth };
    alerts: Pick<Alerts, "evaluate" | "firing">;
    hub: Publisher;
    config: MonitorConfig;
    clock: Clock;
    log: Logger;
  },
): Monitor {
  const tables: Reading<TableReading[]> = emptyReading();
  const history = createHistory();
  const now = () => clock.now().getTime();
  const everyMs = {
    fast: config.HOLDFAST_FAST_TIER_SECONDS * 1000,
    stats: config.HOLDFAST_BROADCAST_SECONDS * 1000,
    slow: config.HOLDFAST_SLOW_TIER_SECONDS * 1000,
    hourly: config.HOLDFAST_HOURLY_TIER_SECONDS * 1000,
  };
  const maxAgeMs = {
    fast: everyMs.fast * 4,
    stats: everyMs.stats * 3,
    slow: everyMs.slow * 3,
    hourly: everyMs.hourly * 3,
  };
  const collection = createCollection({ fastPool, slowPool, everyMs, maxAgeMs, clock, log });
  const { readings } = collection;
  let checkedAt: number | undefined;
  let unreachable: Snapshot["unreachable"];
  let ingestMark: { at: number; accepted: number } | undefined;
  let ticksPerSecond: number | null = null;
  let lastStatus: Status | undefined;
  let sizedAt = 0;

  function markIngest(): void {
    const at = now();
    const { accepted } = ingest.counters();
    if (ingestMark && at > ingestMark.at) {
      ticksPerSecond = (accepted - ingestMark.accepted) / (at - ingestMark.at) * 1000;
    }
    ingestMark = { at, accepted };
  }

  function snapshot(): Snapshot {
    const at = now();
    const rates = collection.databaseRates();
    const metrics = deriveMetrics({ readings, rates, ticksPerSecond, now: at, maxAgeMs });
    const view = collection.view(metrics);
    const tablesFresh = tables.at !== undefined && at - tables.at <= maxAgeMs.stats;
    const reports = (tables.value ?? []).map((table) =>
      reportTable(table, at * 1000, config.HOLDFAST_BACKFILL_HORIZON_DAYS)
    );
    const known = {
      now: at,
      checkedAt,
      unreachable,
      pool: appPool.stats(),
      metrics,
      view,
      signals: readSignals(signals, view),
      statements: collection.statements,
      tables: reports,
      tablesAt: tables.at,
      tablesFresh,
      readings,
      ingest: ingest.counters(),
      backups: backups.report(),
      firing: alerts.firing(),
    };
    return { ...known, status: overallStatus(known, maxAgeMs.fast) };
  }

  /** Rules judge every snapshot; a change of the verdict is told at once. */
  function judge(): void {
    const before = snapshot();
    const context = {
      nowUs: BigInt(now()) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
    alerts.evaluate(metricValues(before), (rule, scope) => evidenceFor(rule, scope, before), {
      complete: new Set(before.unreachable ? [] : completeSignals(signals, before.view)),
      cureFor: (rule, scope) =>
        partitionCure(rule.name, scope, tables.value ?? [], context) ?? rule.cure,
    });
    const after = snapshot();
    remember(after);
    if (lastStatus !== undefined && after.status !== lastStatus) {
      log.info("status_changed", { from: lastStatus, to: after.status });
      hub.publish("database_performance", databasePerformance(after));
    }
    lastStatus = after.status;
  }

  function remember({ metrics, signals: found, pool, now: at }: Snapshot): void {
    const whole = found.filter(({ scope }) => scope === "").map(({ name, value }) => [name, value]);
    const values = { ...metrics, ...Object.fromEntries(whole), ...poolMetrics(pool) };
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === "number") history.add(name, at, value);
    }
  }

  async function collectFast(): Promise<void> {
    const answered = await collection.collect("fast");
    if (answered && readings.activity.error === undefined) {
      if (unreachable) log.info("database_reachable_again", { away_ms: now() - unreachable.since });
      checkedAt = now();
      unreachable = undefined;
    } else {
      const error = readings.activity.error ?? readings.locks.error ?? "no answer";
      if (!unreachable) log.error("database_unreachable", { error });
      unreachable = { since: unreachable?.since ?? now(), error };
    }
    markIngest();
    judge();
  }

  async function collectStats(): Promise<void> {
    const answered = await collection.collect("stats");
    // Sizes are dear with many files, and soon untrue while much is written.
    const { accepted } = ingest.counters();
    if (accepted - sizedAt > resizeRows) {
      sizedAt = accepted;
      await slowLoop.runNow();
    }
    if (answered) await collectTables();
    judge();
    hub.publish("database_performance", databasePerformance(snapshot()));
  }

  let partitionState = "";

  async function collectTables(): Promise<void> {
    await takeReading(
      tables,
      slowPool,
      clock,
      slowDeadlineMs,
      (sql) => readTables(sql, { catalogue, config, nowMs: now() }),
    );
    const { tables: reports } = snapshot();
    // Told when something changed, not at every look.
    const state = JSON.stringify(
      reports.map(({ table, partitions, holes, problems }) => [table, partitions, holes, problems]),
    );
    if (state !== partitionState) {
      partitionState = state;
      hub.publish("partition_status", {
        tables: reports.map(({ children: _children, leaves_unknown: _unknown, ...report }) =>
          report
        ),
      });
    }
  }

  const statsLoop = createLoop({
    name: "collect_stats",
    everyMs: everyMs.stats,
    job: collectStats,
    log,
  });
  const slowLoop = createLoop({
    name: "collect_slow",
    everyMs: everyMs.slow,
    job: async () => void await collection.collect("slow"),
    log,
  });
  const loops: Record<Tier, Loop> = {
    fast: createLoop({ name: "collect_fast", everyMs: everyMs.fast, job: collectFast, log }),
    stats: statsLoop,
    slow: slowLoop,
    hourly: createLoop({
      name: "collect_hourly",
      everyMs: everyMs.hourly,
      job: async () => void await collection.collect("hourly"),
      log,
    }),
  };
  const refresh = createLoop({ name: "refresh_partitions", everyMs: 0, job: collectTables, log });

  // Rates need two readings; a page opened right after the start should not wait for the second one.
  let secondLook: ReturnType<typeof setTimeout> | undefined;

  return {
    start() {
      Object.values(loops).forEach((loop) => loop.start());
      secondLook ??= setTimeout(() => {
        void slowLoop.runNow().then(() => statsLoop.runNow());
      }, Math.min(everyMs.fast, everyMs.stats));
    },
    async stop() {
      clearTimeout(secondLook);
      await Promise.all([...Object.values(loops), refresh].map((loop) => loop.stop()));
    },
    snapshot,
    refreshPartitions: () => void refresh.runNow(),
    checkNow: collectFast,
    runNow: (tier) => loops[tier].runNow(),
    history,
  };
}
