import { dropLeaves, makeLeaves } from "../../../db/history/leaves.ts";
import { insertSamples, rollUp, rollupState, seriesIds } from "../../../db/history/samples.ts";
import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import { leafAt, type Level } from "./levels.ts";

/** One value to keep; `at` in milliseconds since 1970. */
export interface Sample {
  at: number;
  name: string;
  scope: string;
  value: number;
}

/** How writing goes: what waits, what was given up, and what keeps it from being written. */
export interface RecorderState {
  waiting: number;
  dropped: number;
  problem: string | undefined;
  writtenAt: number | undefined;
}

export interface Recorder {
  add(samples: readonly Sample[]): void;
  /** Writes what waits. Never throws: a write that failed is tried again with the next. */
  flush(): Promise<void>;
  /** Rolls up what is complete, and drops what is too old; never throws. */
  upkeep(): Promise<void>;
  /** Forgets what waits and was measured at `at` or later; milliseconds since 1970. */
  forgetSince(at: number): void;
  /** What is not written yet, of one series. */
  waitingOf(name: string, scope: string): Sample[];
  state(): RecorderState;
}

/** Two hours at the usual pace; beyond it the oldest go, and that is said. */
const waitingMax = 60_000;
/** Rows of one COPY, so that what piled up does not become one long transaction. */
const batchMax = 10_000;
/** Series in use at once: what bounds the size of history, whatever the server holds. */
const seriesMax = 500;
const day = 86_400_000;
const deadlineMs = 8_000;
/** A sample of another Holdfast on the same database may come this much later. */
const lateMs = 40_000;
const dropEveryMs = 600_000;

const keyOf = (name: string, scope: string) => `${name}\n${scope}`;

/** Keeps samples in the database over one connection: bounded in memory, in statements, and in what it waits. */
export function createRecorder(
  { pool, levels, now, log, limits = { waiting: waitingMax, series: seriesMax } }: {
    pool: Pool;
    levels: readonly Level[];
    now: () => number;
    log: Logger;
    limits?: { waiting: number; series: number };
  },
): Recorder {
  const [raw, ...rollups] = levels;
  if (!raw) throw new RangeError("History needs a level");
  let waiting: Sample[] = [];
  let writing: readonly Sample[] = [];
  let dropped = 0;
  let problem: string | undefined;
  let writtenAt: number | undefined;
  let droppedLeavesAt = -Infinity;
  let turn: Promise<void> = Promise.resolve();
  const ids = new Map<string, number>();
  const seen = new Map<string, number>();
  const leaves = new Set<string>();
  let refused = false;

  /** Whether a series may be kept: those of the whole server always, of others as many as there is room for. */
  function admit({ name, scope, at }: Sample): boolean {
    const key = keyOf(name, scope);
    if (!seen.has(key) && seen.size >= limits.series && scope !== "") {
      for (const [old, last] of seen) {
        if (at - last > day) {
          seen.delete(old);
          ids.delete(old);
        }
      }
      if (seen.size >= limits.series) {
        if (!refused) log.warn("history_series_left_out", { kept: seen.size, first: name });
        refused = true;
        return false;
      }
    }
    seen.set(key, at);
    return true;
  }

  async function ensureLeaves(sql: Sql, level: Level, times: Iterable<number>): Promise<string[]> {
    const wanted = new Map([...times].map((at) => leafAt(level, at)).map((one) => [one.name, one]));
    const missing = [...wanted.values()].filter(({ name }) => !leaves.has(name));
    if (missing.length > 0) await makeLeaves(sql, missing);
    return missing.map(({ name }) => name);
  }

  async function write(batch: readonly Sample[]): Promise<void> {
    const names = [...new Map(batch.map((one) => [keyOf(one.name, one.scope), one])).values()]
      .filter(({ name, scope }) => !ids.has(keyOf(name, scope)));
    const { made, found } = await pool.transaction(async (sql) => {
      const found = names.length > 0 ? await seriesIds(sql, names) : [];
      const starts = new Set(batch.map(({ at }) => Math.floor(at / raw!.leafMs) * raw!.leafMs));
      const made = await ensureLeaves(sql, raw!, starts);
      const fresh = new Map(names.map((one, i) => [keyOf(one.name, one.scope), found[i]]));
      await insertSamples(
        sql,
        batch.map(({ at, name, scope, value }) => {
          const key = keyOf(name, scope);
          return { at, value, series: ids.get(key) ?? fresh.get(key) ?? 0 };
        }),
      );
      return { made, found };
    }, { deadlineMs });
    // Known only once they are committed.
    names.forEach((one, i) => ids.set(keyOf(one.name, one.scope), found[i] ?? 0));
    for (const name of made) leaves.add(name);
  }

  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (problem !== undefined) log.info("history_written_again", { waiting: waiting.length });
      problem = undefined;
    } catch (error) {
      // Somebody may have dropped a leaf, or a series: both are looked up again.
      leaves.clear();
      ids.clear();
      const told = describeDatabaseError(error);
      if (problem === undefined) log.warn("history_not_written", { what, error: told });
      problem = told;
    }
  }

  async function flushOnce(): Promise<void> {
    const oldest = now() - raw!.keepMs;
    waiting = waiting.filter(({ at }) => at >= oldest);
    await guarded("samples", async () => {
      while (waiting.length > 0) {
        writing = waiting.slice(0, batchMax);
        waiting = waiting.slice(batchMax);
        try {
          await write(writing);
        } catch (error) {
          waiting = [...writing, ...waiting];
          throw error;
        } finally {
          writing = [];
        }
        writtenAt = now();
      }
    });
  }

  async function rollUpLevel(level: Level, source: Level, complete: number): Promise<void> {
    const width = level.seconds * 1000;
    const made = await pool.transaction(async (sql) => {
      const { until, oldest } = await rollupState(sql, {
        table: level.table,
        source: source.table,
        seconds: level.seconds,
        before: complete,
      });
      const start = until ?? oldest;
      if (start === null) return [];
      // After a long stop there is nothing to roll up from before what the finer table keeps.
      const first = Math.max(start, now() - source.keepMs - source.leafMs);
      const from = Math.floor(first / width) * width;
      const to = Math.floor(complete / width) * width;
      if (to <= from) return [];
      const times = [to - 1];
      for (let at = from; at < to; at += level.leafMs) times.push(at);
      const names = await ensureLeaves(sql, level, times);
      const { table, seconds } = level;
      await rollUp(sql, { table, source: source.table, seconds, from, to });
      return names;
    }, { deadlineMs });
    for (const name of made) leaves.add(name);
  }

  async function upkeepOnce(): Promise<void> {
    await guarded("rollups", async () => {
      const oldest = Math.min(...waiting.map(({ at }) => at), now() - lateMs);
      let source = raw!;
      for (const level of rollups) {
        await rollUpLevel(level, source, oldest);
        source = level;
      }
      if (now() - droppedLeavesAt < dropEveryMs) return;
      for (const { table, keepMs } of levels) {
        const gone = await pool.run((sql) => dropLeaves(sql, table, { now: now(), keepMs }), {
          deadlineMs,
        });
        for (const name of gone) leaves.delete(name);
      }
      droppedLeavesAt = now();
    });
  }

  /** One after the other: what is rolled up must have been written. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work);
    return turn;
  }

  return {
    add(samples) {
      waiting.push(...samples.filter(admit));
      const over = waiting.length - limits.waiting;
      if (over <= 0) return;
      if (dropped === 0) log.warn("history_dropped", { first: new Date(waiting[0]!.at) });
      dropped += over;
      waiting = waiting.slice(over);
    },
    forgetSince(since) {
      waiting = waiting.filter(({ at }) => at < since);
    },
    flush: () => inTurn(flushOnce),
    upkeep: () =>
      inTurn(async () => {
        await flushOnce();
        if (problem === undefined) await upkeepOnce();
      }),
    waitingOf: (name, scope) =>
      [...writing, ...waiting].filter((one) => one.name === name && one.scope === scope),
    state: () => ({ waiting: waiting.length + writing.length, dropped, problem, writtenAt }),
  };
}
