import { type CollectorName, type Tier, tierOf } from "../../../db/collectors/list.ts";
import type { CollectorRows, DatabaseCounters } from "../../../db/collectors/rows.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Changes, indexChanges, settingChanges } from "../diagnosis/changes.ts";
import { collectTier, emptyReadings, type Readings, type TierOutcome } from "./collect_tier.ts";
import { createIndexAges } from "../diagnosis/index_ages.ts";
import { judgeIndexes } from "../diagnosis/indexes.ts";
import type { PerformanceMetrics } from "../signals/derived.ts";
import { type DatabaseRates, perSecond, ratesBetween } from "./rates.ts";
import { freshValue } from "./reading.ts";
import { skewMs } from "../../partitions/restraint/clocks.ts";
import { isStandby, standbyName } from "../signals/replication.ts";
import type { View } from "../signals/signal.ts";
import { createStandbyProgress } from "./standby_progress.ts";
import { createStatements, type Statements } from "../diagnosis/statements.ts";
import { createTrends } from "./trend.ts";

export type TierTimes = Record<Tier, number>;

/** What has been read from the server, and what follows from several looks. */
export interface Collection {
  readonly readings: Readings;
  readonly statements: Statements;
  /** Asks all questions of a tier. */
  collect(tier: Tier): Promise<TierOutcome>;
  databaseRates(): { value: DatabaseRates | undefined; at: number } | undefined;
  /** What signals are read from: of the readings of a moment, or those of now. */
  view(metrics: PerformanceMetrics, of?: Readings, at?: number): View;
}

const hour = 3_600_000;
const trendsMax = 1_000;
const deadlinesMs: TierTimes = { fast: 2_500, stats: 12_000, slow: 12_000, hourly: 12_000 };
const ioColumns = ["read_bytes", "write_bytes", "writes", "fsyncs"] as const;

/** Runs the collectors over the two connections of the monitor, and keeps what several looks tell together. */
export function createCollection(
  { fastPool, slowPool, everyMs, maxAgeMs, changes, clock, log }: {
    fastPool: Pool;
    slowPool: Pool;
    everyMs: TierTimes;
    maxAgeMs: TierTimes;
    changes: Changes;
    clock: Clock;
    log: Logger;
  },
): Collection {
  const readings = emptyReadings();
  const statements = createStatements();
  const trends = createTrends(trendsMax);
  const standbyProgress = createStandbyProgress();
  const indexAges = createIndexAges();
  const now = () => clock.now().getTime();
  let databaseRates: { value: DatabaseRates | undefined; at: number } | undefined;
  const rates: Record<"wal" | "archiver", Record<string, number> | undefined> = {
    wal: undefined,
    archiver: undefined,
  };
  /** When each standby was last streaming. */
  const standbys = new Map<string, number>();
  let startedAt: number | undefined;
  let judged:
    | { rows: CollectorRows["indexes"][]; primarySince: number | undefined; found: View["indexes"] }
    | undefined;

  const freshRows = <K extends CollectorName>(of: Readings, at: number, name: K) =>
    freshValue(of[name], at, maxAgeMs[tierOf(name)]) as CollectorRows[K][] | undefined;
  const rowsOf = <K extends CollectorName>(name: K) => freshRows(readings, now(), name);
  /** Counts are known again only after two looks of any tier. */
  const spanOf = (tier: Tier) => everyMs[tier] * 1.5;

  function noteFast(before: DatabaseCounters | undefined): void {
    const after = readings.database.value?.[0];
    if (after && after !== before) {
      databaseRates = { value: ratesBetween(before, after), at: now() };
      changes.noteCounters(after);
    }
  }

  function noteServer(): void {
    const server = readings.server.value?.[0];
    if (server === undefined || readings.server.at === undefined) return;
    const started = readings.server.at - server.uptime_seconds * 1000;
    changes.noteServer(server, readings.server.at);
    const found = { inRecovery: server.in_recovery, startedAt: started };
    indexAges.noteServer(found, readings.server.at);
    // Another server, or the same after a restart: its texts may be others.
    if (startedAt !== undefined && Math.abs(started - startedAt) > 60_000) statements.forget();
    startedAt = started;
  }

  function noteStats(before: Pick<Readings, "wal" | "archiver">): void {
    const shape = { windowMs: hour, minSpanMs: spanOf("stats") };
    const counter = { ...shape, counter: true };
    const at = now();
    rates.wal = perSecond(before.wal.value?.[0], readings.wal.value?.[0], [
      "bytes",
      "full_pages",
    ]);
    rates.archiver = perSecond(before.archiver.value?.[0], readings.archiver.value?.[0], [
      "failed",
    ]);
    for (const row of (rowsOf("replication") ?? []).filter(isStandby)) {
      standbys.set(standbyName(row), at);
    }
    for (const [name, seen] of standbys) if (at - seen > 24 * hour) standbys.delete(name);
    standbyProgress.note(rowsOf("standby")?.[0], readings.standby.at ?? at);
    const ids = rowsOf("wraparound")?.[0];
    if (ids) {
      trends.note("next_xid", at, ids.next_xid, counter);
      trends.note("multixact_age", at, ids.multixact_age, shape, ids.oldest_multixact);
    }
    const checkpoints = rowsOf("checkpoints")?.[0];
    if (checkpoints) {
      const { timed, requested, stats_reset } = checkpoints;
      trends.note("checkpoints_timed", at, timed, counter, stats_reset);
      trends.note("checkpoints_requested", at, requested, counter, stats_reset);
    }
    for (const row of rowsOf("io") ?? []) {
      for (const column of ioColumns) {
        const name = `io ${row.backend} ${row.object} ${column}`;
        trends.note(name, at, row[column], { ...counter, windowMs: hour / 12 }, row.stats_reset);
      }
    }
    const counted = rowsOf("statements");
    if (counted) statements.note(counted);
  }

  function noteSlow(): void {
    const shape = { windowMs: 24 * hour, minSpanMs: spanOf("slow") };
    const at = now();
    const size = rowsOf("sizes")?.[0];
    if (size) trends.note("database_bytes", at, size.database_bytes, shape);
    for (const { table, heap_bytes } of rowsOf("tables") ?? []) {
      trends.note(`table ${table}`, at, heap_bytes, shape);
    }
    for (const { sequence, used_ratio } of rowsOf("sequences") ?? []) {
      if (used_ratio === null) continue;
      trends.note(`sequence ${sequence}`, at, used_ratio, { ...shape, counter: true });
    }
  }

  /** How long index use has been counted, at the least: statistics outlive a clean restart. */
  function observedSeconds(): number {
    const reset = readings.database.value?.[0]?.stats_reset;
    if (typeof reset === "number") return now() / 1000 - reset;
    return readings.server.value?.[0]?.uptime_seconds ?? 0;
  }

  function judgedIndexes(rows: CollectorRows["indexes"][] | undefined): View["indexes"] {
    if (!rows) return undefined;
    const primarySince = indexAges.primarySince();
    const at = now();
    if (judged?.rows !== rows || judged.primarySince !== primarySince) {
      const counted = observedSeconds();
      indexAges.note(rows, at);
      const all = judgeIndexes(rows, (row) => indexAges.unusedSeconds(row, at, counted));
      judged = { rows, primarySince, found: { all, rows, countsWhole: true } };
    }
    return judged.found && { ...judged.found, countsWhole: indexAges.areCountsWhole(at) };
  }

  /** Seconds of collecting per second: the mean number of connections Holdfast's watching keeps busy. */
  function costRatio(): number {
    return Object.entries(readings).reduce((sum, [name, { durationMs }]) => {
      const every = everyMs[tierOf(name as CollectorName)];
      return sum + (durationMs ?? 0) / every;
    }, 0);
  }

  function clockSkew(): number | undefined {
    const server = rowsOf("server")?.[0];
    const { at: own, durationMs: roundTrip = 0 } = readings.server;
    if (server === undefined || own === undefined) return undefined;
    return skewMs({ own: own - roundTrip / 2, server: server.now_seconds * 1000, roundTrip });
  }

  return {
    readings,
    statements,
    async collect(tier) {
      const before = {
        wal: { ...readings.wal },
        archiver: { ...readings.archiver },
        database: readings.database.value?.[0],
        settings: readings.settings.value,
        indexes: readings.indexes.value,
      };
      const outcome = await collectTier(tier, {
        readings,
        pool: tier === "fast" ? fastPool : slowPool,
        clock,
        deadlineMs: deadlinesMs[tier],
        everyMs: everyMs[tier],
        onRest: (collector, costMs, turns) =>
          log.warn("collector_rests", { collector, cost_ms: Math.round(costMs), turns }),
      });
      if (tier === "fast") noteFast(before.database);
      if (outcome.kind === "away") return outcome;
      if (tier === "stats") {
        noteServer();
        noteStats(before);
        const server = readings.server.value?.[0];
        await statements.fetchTexts(slowPool, server, deadlinesMs.stats).catch((error) =>
          log.warn("statement_texts_not_read", { error: describeDatabaseError(error) })
        );
        changes.noteStatements(statements.freshTexts());
      }
      if (tier === "slow") {
        noteSlow();
        changes.note(settingChanges(before.settings, readings.settings.value, now()));
      }
      if (tier === "hourly") {
        changes.note(indexChanges(before.indexes, readings.indexes.value, now()));
      }
      return outcome;
    },
    databaseRates: () => databaseRates,
    view(metrics, of = readings, at = now()) {
      const server = of.server.value?.[0];
      return {
        rows: (name) => freshRows(of, at, name),
        rate: (name, column) => rates[name]?.[column],
        slope: (name) => trends.perSecond(name),
        metrics,
        statements: {
          load: statements.load(),
          tracked: statements.tracked(),
          regressed: new Set(statements.regressions().map(({ query_id }) => query_id)).size,
        },
        indexes: judgedIndexes(freshRows(of, at, "indexes")),
        standbys: [...standbys.keys()],
        standby: rowsOf("standby") && standbyProgress.state(),
        seesAll: server?.sees_all_sessions ?? false,
        failing: Object.entries(of).filter(([, { refusal }]) => refusal !== undefined)
          .map(([name]) => name),
        clockSkewMs: clockSkew(),
        ownCost: {
          ratio: costRatio(),
          resting: Object.values(of).filter(({ budget }) => budget.resting > 0).length,
        },
      };
    },
  };
}
