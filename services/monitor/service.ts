import type { Tier } from "../../db/collectors/collector.ts";
import type { Pool } from "../../db/pool/pool.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { createLoop, type Loop } from "../../lib/loop.ts";
import { createSingleFlight } from "../../lib/single_flight.ts";
import type { WriteWatch } from "../alerts/evaluation/canary.ts";
import type { Alerts } from "../alerts/service.ts";
import type { BackupHealth } from "../backups/report.ts";
import type { IngestCounters } from "../ingest/service.ts";
import type { Publisher } from "../live/hub.ts";
import type { MarketReads } from "../market/reads/service.ts";
import type { Catalogue } from "../partitions/catalogue.ts";
import { readTables } from "../partitions/report/reading.ts";
import type { TableReading } from "../partitions/report/report.ts";
import type { RewriteReport } from "../partitions/rewrite/report.ts";
import { createCollection } from "./collect/collection.ts";
import type { DiskSpace } from "./collect/disk.ts";
import { IngestRate } from "./observations/ingest_rate.ts";
import { afterAnswer, afterFailure, neverReached } from "./collect/reachability.ts";
import { emptyReading, type Reading } from "./collect/reading.ts";
import { takeReading } from "./collect/take_reading.ts";
import { type MonitorConfig, tierTimes } from "./collect/tiers.ts";
import type { ChangedPlan } from "./diagnosis/plan_changes.ts";
import type { Changes } from "./diagnosis/changes.ts";
import { databasePerformance } from "./health/health.ts";
import type { History } from "./history/history.ts";
import { samplesOf } from "./history/sampling.ts";
import type { Incidents } from "./incidents/incidents.ts";
import { createJudge } from "./judgement.ts";
import { createPartitionStatus } from "./partition_status.ts";
import type { Snapshot } from "./snapshot.ts";
import { createSnapshotCache } from "./snapshot_cache.ts";

export interface Monitor {
  start(): void;
  stop(): Promise<void>;
  /** Returns the present state from memory, as of the last run of each tier. */
  snapshot(): Snapshot;
  /** Returns false from a run that found the server unreachable until one that did not. */
  isReachable(): boolean;
  /** Starts to read partitions again, after they changed. */
  refreshPartitions(): void;
  /** Publishes the progress of conversions and drains on the live channel. */
  publishRewrites(reports: readonly RewriteReport[]): void;
  /** Runs the fast tier now: checks whether the server answers. */
  checkNow(): Promise<void>;
  /** Runs a tier now, or joins the run under way. */
  runNow(tier: Tier): Promise<void>;
  history: History;
}

export interface MonitorParts {
  fastPool: Pool;
  slowPool: Pool;
  appPool: Pick<Pool, "stats">;
  catalogue: Catalogue;
  ingest: { counters(): IngestCounters };
  reads: Pick<MarketReads, "report">;
  backups: { report(): BackupHealth };
  changedPlans: { present(): readonly ChangedPlan[] | undefined };
  alerts: Pick<Alerts, "evaluate" | "firing">;
  history: History;
  changes: Changes;
  incidents: Pick<Incidents, "observe" | "settle">;
  writeWatch: WriteWatch;
  /** Reads the space on the server's disk, where it is visible. */
  readDisk?: (() => Promise<DiskSpace | undefined>) | undefined;
  hub: Publisher;
  config: MonitorConfig;
  clock: Clock;
  log: Logger;
}

const tablesDeadlineMs = 12_000;
/** Ticks stored after which sizes are read early. */
const resizeRows = 50_000;

/** Watches the database in tiers over two connections of its own, and publishes what it finds. */
export function createMonitor(parts: MonitorParts): Monitor {
  const { slowPool, ingest, history, changes, writeWatch, hub, config, clock, log } = parts;
  const tables: Reading<TableReading[]> = emptyReading();
  const now = () => clock.now().getTime();
  const { everyMs, maxAgeMs } = tierTimes(config);
  const collection = createCollection({
    ...parts,
    everyMs,
    maxAgeMs,
    onStatementWork: (work, seconds, followed) =>
      history.statements.note(work, { at: now(), seconds, followed }),
  });
  const snapshots = createSnapshotCache({
    collection,
    maxAgeMs,
    horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    clock,
    live: parts,
  });
  const snapshot = snapshots.current;
  const partitionStatus = createPartitionStatus({ hub, tables: () => snapshot().tables });
  const judgePresent = createJudge({ ...parts, snapshot, tables: () => tables.value ?? [] });
  const ingestRate = new IngestRate();
  let reached = neverReached;
  let sizedAt = 0;
  /** Tiers that an outage or our own busy connection cut short: they run again at the next stats tier. */
  const interrupted = new Set<Tier>();

  const rewriteHistory = createSingleFlight(() => history.flush());

  function commit(): void {
    snapshots.commit({ ...reached, tables, ticksPerSecond: ingestRate.perSecond });
  }

  function judge(tier: Tier): void {
    commit();
    judgePresent(tier);
  }

  async function collectFast(): Promise<void> {
    const outcome = await collection.collect("fast");
    const { unreachable } = reached;
    if (outcome.kind === "answered") {
      if (unreachable) log.info("database_reachable_again", { away_ms: now() - unreachable.since });
      const tablesKnown = tables.at !== undefined;
      reached = afterAnswer(reached, now(), tablesKnown);
      // Another server may answer now, of which nothing is known.
      if ((unreachable || outcome.reconnected) && tablesKnown) void loops.stats.runNow();
    } else if (outcome.kind === "unreachable") {
      if (!unreachable) log.error("database_unreachable", { error: outcome.error });
      reached = afterFailure(reached, now(), outcome.error);
    }
    ingestRate.note(now(), ingest.counters().accepted);
    if (!reached.unreachable) await writeWatch.check();
    judge("fast");
    // A write that failed is repeated soon, not with the next samples only: health is degraded until it succeeds.
    if (!reached.unreachable && history.state().problem !== undefined) void rewriteHistory();
  }

  async function collectStats(): Promise<void> {
    const answered = (await collection.collect("stats")).kind !== "unreachable";
    // Sizes are expensive to read with many files, and soon out of date while much is written.
    const { accepted } = ingest.counters();
    if (accepted - sizedAt > resizeRows) {
      sizedAt = accepted;
      await loops.slow.runNow();
    }
    if (answered) {
      await collectTables();
      for (const tier of interrupted) void loops[tier].runNow();
    }
    judge("stats");
    hub.publish("database_performance", databasePerformance(snapshot()));
    if (!answered) return;
    await history.flush();
    if (writeWatch.canWrite()) await changes.flush(slowPool, log);
  }

  async function collectRarely(tier: "slow" | "hourly"): Promise<void> {
    const outcome = await collection.collect(tier);
    const answered = outcome.kind !== "unreachable";
    interrupted[answered && !outcome.missed ? "delete" : "add"](tier);
    commit();
    if (answered) history.add(samplesOf(snapshot(), tier));
  }

  async function collectTables(): Promise<void> {
    await takeReading(tables, slowPool, clock, tablesDeadlineMs, (sql) =>
      // A standby without a holdfast schema has no policies.
      writeWatch.state().schema
        ? readTables(sql, { catalogue: parts.catalogue, config, nowMs: now() })
        : Promise.resolve([]));
    reached = { ...reached, justBack: false };
    commit();
    partitionStatus.publishIfChanged();
  }

  const loopOf = (tier: Tier, job: () => Promise<void>) =>
    createLoop({ name: `collect_${tier}`, everyMs: everyMs[tier], job, log });
  const loops: Record<Tier, Loop> = {
    fast: loopOf("fast", collectFast),
    stats: loopOf("stats", collectStats),
    slow: loopOf("slow", () => collectRarely("slow")),
    hourly: loopOf("hourly", () => collectRarely("hourly")),
  };
  const refresh = createLoop({ name: "refresh_partitions", everyMs: 0, job: collectTables, log });
  let secondReading: ReturnType<typeof setTimeout> | undefined;
  commit();

  return {
    start() {
      Object.values(loops).forEach((loop) => loop.start());
      // Rates need two readings: the second one is early, so that a page opened after the start has them.
      secondReading ??= setTimeout(() => {
        void loops.slow.runNow().then(() => loops.stats.runNow());
      }, Math.min(everyMs.fast, everyMs.stats));
    },
    async stop() {
      clearTimeout(secondReading);
      await Promise.all([...Object.values(loops), refresh].map((loop) => loop.stop()));
      await parts.incidents.settle();
      if (!reached.unreachable) await history.flush();
    },
    snapshot,
    isReachable: () => reached.unreachable === undefined,
    refreshPartitions: () => void refresh.runNow(),
    publishRewrites: partitionStatus.publishRewrites,
    checkNow: collectFast,
    runNow: (tier) => loops[tier].runNow(),
    history,
  };
}
