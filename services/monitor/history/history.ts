import { readSamples } from "../../../db/history/samples.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { SampleReader } from "../../alerts/evaluation/rehearsal.ts";
import type { Clock } from "../../../lib/clock.ts";
import { createStatementHistory, type StatementHistory } from "../statements/work_history.ts";
import type { WriteAccess } from "../write_access/access.ts";
import {
  type CountedPoint,
  type HistoryConfig,
  type HistoryPoint,
  inSteps,
  levelsFor,
  levelsOf,
  statementLevelsOf,
  uncounted,
} from "./levels.ts";
import { createRecent, type Point } from "./recent.ts";
import { createRecorder, type RecorderState } from "./recorder.ts";
import type { Sample } from "./sample_queue.ts";

/** A range of one series; `from` and `to` in milliseconds since 1970. */
export interface HistoryQuery {
  name: string;
  scope?: string;
  from: number;
  to: number;
  /** Width of a point; by default the finest that does not give too many points. */
  stepSeconds?: number;
}

export interface HistoryAnswer {
  points: HistoryPoint[];
  /** Width of a point; 0: as measured. */
  stepSeconds: number;
  /** Why points may be missing; undefined when none are. */
  incomplete: string | undefined;
}

export interface History {
  /** Adds samples, in memory. */
  add(samples: readonly Sample[]): void;
  /** Writes what was added, if the database takes writes. */
  flush(): Promise<void>;
  /** Rolls up and drops old samples; to be called once a minute. */
  upkeep(): Promise<void>;
  /** Returns a series from the database and from memory; undefined when it does not exist. */
  read(query: HistoryQuery): Promise<HistoryAnswer | undefined>;
  /** Returns recent points of a metric of the whole server, from memory; undefined when it has none. */
  recent(name: string, from: number, to: number): Point[] | undefined;
  /** Returns the names of metrics with recent points. */
  names(): string[];
  state(): RecorderState;
  /** What the most expensive statements did. It is written and rolled up together with the samples. */
  statements: StatementHistory;
}

const readDeadlineMs = 5_000;

const singlePoint = ({ ts, value }: Point): CountedPoint => ({
  ts,
  value,
  min: value,
  max: value,
  last: value,
  samples: 1,
});

/** Names the metrics of this process: several Holdfasts on one database must not mix them. */
export const processMetrics: ReadonlySet<string> = new Set([
  "database_down",
  "pool_utilization",
  "pool_active",
  "pool_waiting",
  "pool_acquire_wait_p95_ms",
  "pool_acquire_wait_p99_ms",
  "ticks_per_second",
  "monitor_cost_ratio",
  "collectors_resting",
  "clock_skew_seconds",
  "event_loop_lag_ms",
  "event_loop_lag_worst_ms",
]);

/** Keeps samples over restarts: writes them over the monitor's connection, and reads over the application's. */
export function createHistory(
  { writer, reader, config, access, clock, log, instance }: {
    writer: Pool;
    reader: Pick<Pool, "run">;
    config: HistoryConfig;
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly" | "onChange">;
    clock: Clock;
    log: Logger;
    /** The name of this Holdfast: the scope of the series of its own process. */
    instance?: string;
  },
): History {
  const now = () => clock.now().getTime();
  /** Returns the scope under which a series is stored. In the API, metrics of the process have none. */
  const storedScope = (name: string, scope: string) =>
    scope === "" && instance !== undefined && processMetrics.has(name) ? instance : scope;
  const levels = levelsOf(config);
  const recent = createRecent();
  const recorder = createRecorder({ pool: writer, levels, now, log });
  const statements = createStatementHistory({
    writer,
    reader,
    levels: statementLevelsOf(config),
    access,
    now,
    log,
  });
  // Samples of a standby do not belong to the primary that it becomes.
  access.onChange((after, before) => {
    if (after.mode === "writing" && before.mode === "watch_only") {
      recorder.forgetSince(before.since);
      statements.forgetSince(before.since);
    }
  });

  async function read(query: HistoryQuery): Promise<HistoryAnswer | undefined> {
    const { name, scope = "", stepSeconds } = query;
    // Nothing was measured before 1970, and Postgres has no year 0.
    const from = Math.max(0, query.from);
    const to = Math.max(from, query.to);
    const series = storedScope(name, scope);
    const chosen = levelsFor(levels, { from, to, now: now(), stepSeconds });
    const coarse = chosen[0]?.seconds ?? 0;
    // Read before the database: what is written meanwhile is then in both, and counted once.
    const waiting = recorder.waitingOf(name, series)
      .filter(({ at }) => at >= from && at <= to)
      .map(({ at, value }) => singlePoint({ ts: at, value }));
    const shown = (points: readonly CountedPoint[], incomplete?: string): HistoryAnswer => {
      const seconds = Math.max(stepSeconds ?? 0, coarse);
      return {
        points: seconds > 0 ? inSteps(points, seconds * 1000) : uncounted(points),
        stepSeconds: seconds,
        incomplete,
      };
    };
    if (access.isWatchOnly()) {
      const kept = scope === "" ? recent.read(name, from, to)?.map(singlePoint) : undefined;
      if (kept === undefined && waiting.length === 0) return undefined;
      return shown(kept ?? waiting, "beside a standby: only what is in memory, two hours at most");
    }
    try {
      const tables = chosen.map(({ table }) => table);
      const stored = await reader.run(
        (sql) => readSamples(sql, { name, scope: series }, { tables, from, to }),
        { deadlineMs: readDeadlineMs },
      );
      if (stored === undefined && waiting.length === 0) return undefined;
      const points = (stored ?? []).map(({ at, ...point }) => ({ ts: at, ...point }));
      const times = new Set(points.map(({ ts }) => ts));
      return shown([...points, ...waiting.filter(({ ts }) => !times.has(ts))]);
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "client_left") throw error;
      log.warn("history_not_read", { error: describeDatabaseError(error) });
      const kept = scope === "" ? recent.read(name, from, to) : undefined;
      if (kept === undefined && waiting.length === 0) return undefined;
      return shown(
        kept?.map(singlePoint) ?? waiting,
        "the database cannot be read: these points are from memory",
      );
    }
  }

  return {
    add(samples) {
      const known = samples.filter(({ value }) => Number.isFinite(value));
      for (const { at, name, scope, value } of known) {
        if (scope === "") recent.add(name, at, value);
      }
      recorder.add(known.map((one) => ({ ...one, scope: storedScope(one.name, one.scope) })));
    },
    async flush() {
      if (access.canWrite()) await recorder.flush();
      await statements.flush();
    },
    async upkeep() {
      if (access.canWrite()) await recorder.upkeep();
      await statements.upkeep();
    },
    read,
    recent: recent.read,
    names: recent.names,
    state: recorder.state,
    statements,
  };
}

/** Returns the history in the form that rehearsals of rules read. */
export function sampleReader(history: Pick<History, "read">): SampleReader {
  return {
    read: async (name, scope, from, to, stepMs) => {
      const stepSeconds = Math.ceil(stepMs / 1000);
      return (await history.read({ name, scope, from, to, stepSeconds }))?.points;
    },
  };
}
