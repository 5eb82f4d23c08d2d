import { createHash } from "node:crypto";
import type { Tier } from "../../db/collectors/list.ts";
import type { Pool } from "../../db/pool/pool.ts";
import type { Logger } from "../../log.ts";
import { curesFor, evidenceFor } from "../alerts/rules/explain.ts";
import type { Alerts } from "../alerts/service.ts";
import type { WriteWatch } from "../alerts/evaluation/canary.ts";
import type { RewriteReport } from "../partitions/rewrite/report.ts";
import type { BackupHealth } from "../backups/report.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import type { IngestCounters } from "../ingest/service.ts";
import { createLoop, type Loop } from "../../lib/loop.ts";
import type { Catalogue } from "../partitions/catalogue.ts";
import { takeReading } from "./collect/collect_tier.ts";
import { createCollection } from "./collect/schedule.ts";
import { completeMetrics, databasePerformance, metricValues } from "./health/health.ts";
import type { History } from "./history/history.ts";
import { samplesOf } from "./history/sampling.ts";
import type { Changes } from "./diagnosis/changes.ts";
import type { Incidents } from "./incidents/incidents.ts";
import { createPartitionCures } from "../partitions/report/cure.ts";
import { readTables } from "../partitions/report/reading.ts";
import { publicReport, type TableReading } from "../partitions/report/report.ts";
import { emptyReading, type Reading } from "./collect/reading.ts";
import { signals } from "./signals/list.ts";
import { completeSignals } from "./signals/signal.ts";
import type { Snapshot, Status } from "./snapshot.ts";
import { createSnapshotCache } from "./snapshot_cache.ts";
import { type MonitorConfig, tierTimes } from "./collect/tiers.ts";

export interface Monitor {
  start(): void;
  stop(): Promise<void>;
  /** The present state from what was last read: cheap, made anew at each call from what each turn left. */
  snapshot(): Snapshot;
  /** Says whether the server is there as far as is known: false from a turn that found it away to one that did not. */
  isReachable(): boolean;
  /** Reads partitions again soon, after they changed. */
  refreshPartitions(): void;
  /** Tells the live channel how far conversions and drains are. */
  tellMoves(moves: readonly RewriteReport[]): void;
  /** Checks now whether the server answers. */
  checkNow(): Promise<void>;
  /** Runs a tier now, or joins the run under way. */
  runNow(tier: Tier): Promise<void>;
  history: History;
}

const slowDeadlineMs = 12_000;
/** Ticks stored after which sizes are read before their time. */
const resizeRows = 50_000;

/** Watches the database in tiers over at most two connections of its own, and tells what it sees. */
export function createMonitor(
  {
    fastPool,
    slowPool,
    appPool,
    catalogue,
    ingest,
    backups,
    alerts,
    history,
    changes,
    incidents,
    writeWatch,
    hub,
    config,
    clock,
    log,
  }: {
    fastPool: Pool;
    slowPool: Pool;
    appPool: Pick<Pool, "stats">;
    catalogue: Catalogue;
    ingest: { counters(): IngestCounters };
    backups: { report(): BackupHealth };
    alerts: Pick<Alerts, "evaluate" | "firing">;
    history: History;
    changes: Changes;
    incidents: Pick<Incidents, "observe" | "settle">;
    writeWatch: WriteWatch;
    hub: Publisher;
    config: MonitorConfig;
    clock: Clock;
    log: Logger;
  },
): Monitor {
  const tables: Reading<TableReading[]> = emptyReading();
  const now = () => clock.now().getTime();
  const { everyMs, maxAgeMs } = tierTimes(config);
  const collection = createCollection({
    fastPool,
    slowPool,
    everyMs,
    maxAgeMs,
    changes,
    clock,
    log,
  });
  let checkedAt: number | undefined;
  let unreachable: Snapshot["unreachable"];
  let ingestMark: { at: number; accepted: number } | undefined;
  let ticksPerSecond: number | null = null;
  let lastStatus: Status | undefined;
  let sizedAt = 0;
  let justBack = false;
  /**
   * Tiers whose last turn an outage cut short, or our own busy connection: asked again once that is over, not minutes later at
   * their next turn.
   */
  const cut = new Set<Tier>();

  function markIngest(): void {
    const at = now();
    const { accepted } = ingest.counters();
    if (ingestMark && at > ingestMark.at) {
      ticksPerSecond = (accepted - ingestMark.accepted) / (at - ingestMark.at) * 1000;
    }
    ingestMark = { at, accepted };
  }

  const partitionCure = createPartitionCures();
  const snapshots = createSnapshotCache({
    collection,
    maxAgeMs,
    horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    clock,
    live: { appPool, ingest, backups, alerts, history, writeWatch },
  });
  const commit = () =>
    snapshots.commit({ checkedAt, unreachable, justBack, tables, ticksPerSecond });
  commit();
  const snapshot = snapshots.current;

  /** Rules judge every snapshot; a change of the verdict is told at once. */
  function judge(tier: Tier): void {
    commit();
    const before = snapshot();
    const context = {
      nowUs: BigInt(now()) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
    alerts.evaluate(metricValues(before), {
      evidence: (rule, scope) => evidenceFor(rule, scope, before),
      cure: (rule, scope) =>
        partitionCure(rule.name, scope, tables.value ?? [], context) ??
          curesFor(rule, scope, before.view),
    }, completeMetrics(before, completeSignals(signals, before.view)));
    const after = snapshot();
    history.add(samplesOf(after, tier));
    incidents.observe(after);
    if (lastStatus !== undefined && after.status !== lastStatus) {
      log.info("status_changed", { from: lastStatus, to: after.status });
      hub.publish("database_performance", databasePerformance(after));
    }
    lastStatus = after.status;
  }

  async function collectFast(): Promise<void> {
    const outcome = await collection.collect("fast");
    if (outcome.kind === "answered") {
      if (unreachable) log.info("database_reachable_again", { away_ms: now() - unreachable.since });
      if ((unreachable || outcome.reconnected) && tables.at !== undefined) {
        // After an outage it may be another server, and nothing known of it; after a lost connection it is asked at once.
        justBack ||= unreachable !== undefined;
        void statsLoop.runNow();
      }
      checkedAt = now();
      unreachable = undefined;
    } else if (outcome.kind === "away") {
      const { error } = outcome;
      if (!unreachable) log.error("database_unreachable", { error });
      unreachable = { since: unreachable?.since ?? now(), error };
    }
    markIngest();
    if (!unreachable) await writeWatch.check();
    judge("fast");
  }

  async function collectStats(): Promise<void> {
    const answered = (await collection.collect("stats")).kind !== "away";
    // Sizes are dear with many files, and soon untrue while much is written.
    const { accepted } = ingest.counters();
    if (accepted - sizedAt > resizeRows) {
      sizedAt = accepted;
      await slowLoop.runNow();
    }
    if (answered) {
      await collectTables();
      for (const tier of cut) void loops[tier].runNow();
    }
    judge("stats");
    hub.publish("database_performance", databasePerformance(snapshot()));
    if (!answered) return;
    await history.flush();
    if (writeWatch.canWrite()) await changes.flush(slowPool, log);
  }

  async function collectRarely(tier: "slow" | "hourly"): Promise<void> {
    const outcome = await collection.collect(tier);
    const answered = outcome.kind !== "away";
    cut[answered && !outcome.missed ? "delete" : "add"](tier);
    commit();
    if (answered) history.add(samplesOf(snapshot(), tier));
  }

  let partitionState = "";
  let moves: readonly RewriteReport[] = [];

  /** Two Holdfasts that see the same tell it once. */
  function tellPartitions(): void {
    const digest = createHash("sha256").update(JSON.stringify([partitionState, moves]));
    const subject = { topic: "partitions", digest: digest.digest("hex") };
    const reports = snapshot().tables.map(publicReport)
      .map(({ children: _children, ...report }) => report);
    hub.publish("partition_status", { tables: reports, conversions: moves }, subject);
  }

  async function collectTables(): Promise<void> {
    await takeReading(
      tables,
      slowPool,
      clock,
      slowDeadlineMs,
      // A standby that has no holdfast schema has no policies either.
      (sql) =>
        writeWatch.state().schema
          ? readTables(sql, { catalogue, config, nowMs: now() })
          : Promise.resolve([]),
    );
    justBack = false;
    commit();
    const { tables: reports } = snapshot();
    // Told when something changed, not at every look.
    const state = JSON.stringify(
      reports.map(({ table, partitions, holes, problems }) => [table, partitions, holes, problems]),
    );
    if (state !== partitionState) {
      partitionState = state;
      tellPartitions();
    }
  }

  const loopOf = (tier: Tier, job: () => Promise<void>) =>
    createLoop({ name: `collect_${tier}`, everyMs: everyMs[tier], job, log });
  const statsLoop = loopOf("stats", collectStats);
  const slowLoop = loopOf("slow", () => collectRarely("slow"));
  const loops: Record<Tier, Loop> = {
    fast: loopOf("fast", collectFast),
    stats: statsLoop,
    slow: slowLoop,
    hourly: loopOf("hourly", () => collectRarely("hourly")),
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
      await incidents.settle();
      if (!unreachable) await history.flush();
    },
    snapshot,
    isReachable: () => unreachable === undefined,
    refreshPartitions: () => void refresh.runNow(),
    tellMoves(told) {
      moves = told;
      tellPartitions();
    },
    checkNow: collectFast,
    runNow: (tier) => loops[tier].runNow(),
    history,
  };
}
