import { readSamples } from "../../../db/history/samples.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { SampleReader } from "../../alerts/evaluation/rehearsal.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { WriteAccess } from "../write_access/access.ts";
import { type HistoryConfig, type HistoryPoint, inSteps, levelsFor, levelsOf } from "./levels.ts";
import { createRecent, type Point } from "./recent.ts";
import { createRecorder, type RecorderState } from "./recorder.ts";
import type { Sample } from "./sample_queue.ts";

/** A range of one series; times in milliseconds since 1970. */
export interface HistoryQuery {
  name: string;
  scope?: string;
  from: number;
  to: number;
  /** Width of a point; without it the finest that does not make too many. */
  stepSeconds?: number;
}

export interface HistoryAnswer {
  points: HistoryPoint[];
  /** What a point spans; 0: as it was measured. */
  stepSeconds: number;
  /** Why this may not be all there is; undefined when it is. */
  incomplete: string | undefined;
}

export interface History {
  add(samples: readonly Sample[]): void;
  flush(): Promise<void>;
  /** Rolls up and drops what is too old; once a minute. */
  upkeep(): Promise<void>;
  /** What was measured, from the database and what is not in it yet; undefined when nothing was ever of that name. */
  read(query: HistoryQuery): Promise<HistoryAnswer | undefined>;
  /** Recent points of the whole server, from memory. */
  recent(name: string, from: number, to: number): Point[] | undefined;
  /** Names with recent points. */
  names(): string[];
  state(): RecorderState;
}

const readDeadlineMs = 5_000;

const whole = ({ ts, value }: Point): HistoryPoint => ({
  ts,
  value,
  min: value,
  max: value,
  last: value,
});

/** What was measured, kept over restarts: written over the monitor's connection, read over the application's. */
/** What each Holdfast measures of its own process; two of them on one database must not mix these. */
const ofProcess = new Set([
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

export function createHistory(
  { writer, reader, config, access, clock, log, instance }: {
    writer: Pool;
    reader: Pick<Pool, "run">;
    config: HistoryConfig;
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly" | "onChange">;
    clock: Clock;
    log: Logger;
    /** The name of this Holdfast: the scope under which its own process's series are stored. */
    instance?: string;
  },
): History {
  const now = () => clock.now().getTime();
  /** Where a series is stored: outside, a process's own metrics have no scope. */
  const storedScope = (name: string, scope: string) =>
    scope === "" && instance !== undefined && ofProcess.has(name) ? instance : scope;
  const levels = levelsOf(config);
  const recent = createRecent();
  const recorder = createRecorder({ pool: writer, levels, now, log });
  // What a standby measured does not belong among the samples of the primary that it becomes.
  access.onChange((after, before) => {
    if (after.mode === "writing" && before.mode === "watch_only") {
      recorder.forgetSince(before.since);
    }
  });

  async function read(query: HistoryQuery): Promise<HistoryAnswer | undefined> {
    const { name, scope = "", from, to, stepSeconds } = query;
    const series = storedScope(name, scope);
    const chosen = levelsFor(levels, { from, to, now: now(), stepSeconds });
    const coarse = chosen[0]?.seconds ?? 0;
    // Before the database is asked: what is written meanwhile is then in both, and counted once.
    const waiting = recorder.waitingOf(name, series)
      .filter(({ at }) => at >= from && at <= to)
      .map(({ at, value }) => whole({ ts: at, value }));
    const shown = (points: readonly HistoryPoint[], incomplete?: string): HistoryAnswer => {
      const seconds = Math.max(stepSeconds ?? 0, coarse);
      return {
        points: seconds > 0 ? inSteps(points, seconds * 1000) : [...points],
        stepSeconds: seconds,
        incomplete,
      };
    };
    if (access.isWatchOnly()) {
      const kept = scope === "" ? recent.read(name, from, to)?.map(whole) : undefined;
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
        kept?.map(whole) ?? waiting,
        "the database cannot be asked: these are the points still in memory",
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
    },
    async upkeep() {
      if (access.canWrite()) await recorder.upkeep();
    },
    read,
    recent: recent.read,
    names: recent.names,
    state: recorder.state,
  };
}

/** The history as a rehearsal reads it. */
export function sampleReader(history: Pick<History, "read">): SampleReader {
  return {
    read: async (name, scope, from, to, stepMs) => {
      const stepSeconds = Math.ceil(stepMs / 1000);
      return (await history.read({ name, scope, from, to, stepSeconds }))?.points;
    },
  };
}
