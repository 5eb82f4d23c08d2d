import type { Tier } from "../../../db/collectors/collector.ts";
import { type CollectorName, type CollectorRows, tierOf } from "../../../db/collectors/list.ts";
import { createIndexJudge } from "../diagnosis/index_judge.ts";
import type { Statements } from "../diagnosis/statements.ts";
import type { PerformanceMetrics } from "../signals/derived.ts";
import { rateSources, trendSources } from "../signals/list.ts";
import { isStandby, standbyName } from "../signals/replication.ts";
import { diskTrend } from "../signals/storage.ts";
import type { View } from "../signals/signal.ts";
import { clockSkewMs, costRatio } from "./own_cost.ts";
import { createCounterRates, type DatabaseRates, ratesBetween } from "./rates.ts";
import type { DiskSpace } from "../collect/disk.ts";
import { freshValue, type Readings } from "../collect/reading.ts";
import { createUnmanagedJudge } from "../unmanaged/unmanaged.ts";
import { createStandbyProgress } from "./standby_progress.ts";
import { createStandbysSeen } from "./standbys_seen.ts";
import { createTrends } from "./trend.ts";

const trendsMax = 1_000;
const dayMs = 24 * 3_600_000;
/** A start time is worked out from the uptime: a greater difference means a restart, or another server. */
const sameStartMs = 60_000;

/** The rates of the database's counters; the value is undefined after a reset. */
export interface DatabaseRatesReading {
  value: DatabaseRates | undefined;
  at: number;
}

/** Keeps what follows from several readings: rates, trends, standbys seen, index use and statement costs. */
export function createObservations(
  { readings, statements, everyMs, maxAgeMs, now }: {
    readings: Readings;
    statements: Statements;
    everyMs: Readonly<Record<Tier, number>>;
    maxAgeMs: Readonly<Record<Tier, number>>;
    now: () => number;
  },
) {
  const trends = createTrends(trendsMax);
  const rates = createCounterRates(rateSources);
  const standbyProgress = createStandbyProgress();
  const standbysSeen = createStandbysSeen();
  const indexJudge = createIndexJudge();
  const unmanagedJudge = createUnmanagedJudge();
  let databaseRates: DatabaseRatesReading | undefined;
  let startedAt: number | undefined;
  let disk: { space: DiskSpace; at: number } | undefined;

  const freshRows = <K extends CollectorName>(of: Readings, at: number, name: K) =>
    freshValue(of[name], at, maxAgeMs[tierOf(name)]) as CollectorRows[K][] | undefined;
  const rowsOf = <K extends CollectorName>(name: K) => freshRows(readings, now(), name);

  function noteDatabase(before: Readings): void {
    const old = before.database.value?.[0];
    const row = readings.database.value?.[0];
    if (row && row !== old) databaseRates = { value: ratesBetween(old, row), at: now() };
  }

  function noteServer(): void {
    const server = readings.server.value?.[0];
    const at = readings.server.at;
    if (server === undefined || at === undefined) return;
    const started = at - server.uptime_seconds * 1000;
    indexJudge.noteServer({ inRecovery: server.in_recovery, startedAt: started }, at);
    // After a restart, or on another server, the same id may stand for another statement.
    if (startedAt !== undefined && Math.abs(started - startedAt) > sameStartMs) statements.forget();
    startedAt = started;
  }

  function noteTrends(tier: Tier): void {
    const at = now();
    // Two readings that follow each other are too near for a trend.
    const minSpanMs = everyMs[tier] * 1.5;
    for (const { collector, windowMs, points } of trendSources) {
      if (tierOf(collector) !== tier) continue;
      for (const { name, value, counter = false, epoch } of points({ rows: rowsOf }) ?? []) {
        trends.note(name, at, value, { windowMs, minSpanMs, counter }, epoch);
      }
    }
  }

  function noteRangeTables(before: Readings): void {
    const { value, at } = readings.range_tables;
    if (value && at !== undefined && value !== before.range_tables.value) {
      unmanagedJudge.note(value, at);
    }
  }

  function noteReplication(): void {
    const standbys = (rowsOf("replication") ?? []).filter(isStandby);
    standbysSeen.note(standbys.map(standbyName), now());
    standbyProgress.note(rowsOf("standby")?.[0], readings.standby.at ?? now());
  }

  /** How long index use has been counted, at the least: statistics outlive a clean restart. */
  function countedSeconds(): number {
    const reset = readings.database.value?.[0]?.stats_reset;
    if (typeof reset === "number") return now() / 1000 - reset;
    return readings.server.value?.[0]?.uptime_seconds ?? 0;
  }

  function statementFigures(): View["statements"] {
    const regressed = new Set(statements.regressions().map(({ query_id }) => query_id));
    return {
      load: statements.load(),
      tracked: statements.tracked(),
      regressed: regressed.size,
    };
  }

  return {
    /** Takes in the counters of the fast tier, also when the server did not answer all of it. */
    noteFast: noteDatabase,
    /** Takes in the space on the server's disk; undefined: it could not be read. */
    noteDisk(space: DiskSpace | undefined): void {
      const at = now();
      disk = space && { space, at };
      const shape = { windowMs: dayMs, minSpanMs: everyMs.slow * 1.5 };
      if (space) trends.note(diskTrend, at, space.used_bytes, shape);
    },
    /** Takes in what a tier has just read; `before` are the readings before it. */
    note(tier: Tier, before: Readings): void {
      rates.note(tier, before, readings);
      if (tier === "stats") {
        noteServer();
        noteReplication();
        const counted = rowsOf("statements");
        if (counted) statements.note(counted);
      }
      if (tier === tierOf("range_tables")) noteRangeTables(before);
      noteTrends(tier);
    },
    databaseRates: (): DatabaseRatesReading | undefined => databaseRates,
    /**
     * Returns what signals are read from: the readings `of` a moment `at`, by default those of now. `managed` names the
     * tables that have a policy; undefined while these are not known.
     */
    view(
      metrics: PerformanceMetrics,
      of: Readings = readings,
      at: number = now(),
      managed?: ReadonlySet<string>,
    ): View {
      const indexRows = freshRows(of, at, "indexes");
      const rangeTables = freshRows(of, at, "range_tables");
      return {
        rows: (name) => freshRows(of, at, name),
        rate: rates.perSecond,
        slope: trends.perSecond,
        metrics,
        statements: statementFigures(),
        indexes: indexRows && indexJudge.judge(indexRows, now(), countedSeconds()),
        unmanaged: rangeTables && managed &&
          unmanagedJudge.judge(rangeTables, managed, {
            readAt: of.range_tables.at ?? at,
            nowMs: at,
          }),
        standbys: standbysSeen.names(),
        standby: rowsOf("standby") && standbyProgress.state(),
        seesAll: of.server.value?.[0]?.sees_all_sessions ?? false,
        failing: Object.entries(of).filter(([, { refusal }]) => refusal !== undefined)
          .map(([name]) => name),
        disk: disk && at - disk.at <= maxAgeMs.slow ? disk.space : undefined,
        clockSkewMs: clockSkewMs(rowsOf("server")?.[0], readings.server),
        ownCost: {
          ratio: costRatio(readings, everyMs),
          resting: Object.values(of).filter(({ budget }) => budget.resting > 0).length,
        },
      };
    },
  };
}
