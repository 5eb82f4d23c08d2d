import {
  insertStatementWork,
  readStatementWork,
  rollUpStatementWork,
  storedSums,
  type StoredWork,
} from "../../../db/history/statement_work.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import { createSerialQueue } from "../../../lib/serial_queue.ts";
import type { Logger } from "../../../log.ts";
import type { StatementWork } from "../../../db/collectors/statements/collectors.ts";
import { sumWork, type WorkById } from "../diagnosis/statement_deltas.ts";
import { KnownLeaves } from "../history/known_leaves.ts";
import { type Level, levelsFor } from "../history/levels.ts";
import { Rollups } from "../history/rollups.ts";
import type { WriteAccess } from "../write_access/access.ts";

/** The work of one statement in an interval; times in milliseconds since 1970, `seconds` is how much of it was observed. */
export interface WorkPoint extends Omit<StoredWork, "at"> {
  ts: number;
}

export interface WorkAnswer {
  points: WorkPoint[];
  /** Width of an interval. */
  stepSeconds: number;
  /** Why points may be missing; undefined when none are. */
  incomplete: string | undefined;
}

/** A range of one statement; times in milliseconds since 1970. */
export interface WorkQuery {
  queryId: string;
  from: number;
  to: number;
  stepSeconds?: number | undefined;
}

/** Keeps what the most expensive statements did, minute by minute. */
export interface StatementHistory {
  /** Adds the work of the `seconds` before `at`; statements in `followed` are kept whatever they cost. */
  note(work: WorkById, round: { at: number; seconds: number; followed: Iterable<string> }): void;
  /** Writes the minutes that are over; never throws: the next flush repeats what failed. */
  flush(): Promise<void>;
  /** Adds minutes up to longer intervals, and drops what is too old; never throws. */
  upkeep(): Promise<void>;
  /** Forgets what is not written yet and was done at `at` or later. */
  forgetSince(at: number): void;
  read(query: WorkQuery): Promise<WorkAnswer>;
}

type Row = StoredWork & { query_id: string };

const minute = 60_000;
/** Statements of a minute, those that took the longest. */
export const keptPerMinute = 30;
/** Statements of a minute that are kept besides, because they have become slower. */
export const followedMax = 10;
/** Statements of a longer interval, those that took the longest. */
export const keptPerBucket = 60;
/** Two hours of minutes. */
const waitingMax = 120 * (keptPerMinute + followedMax);
const deadlineMs = 8_000;
const readDeadlineMs = 5_000;
/** Another Holdfast on the same database writes a minute this long after its end at the latest. */
const lateMs = 100_000;

/** Returns the rows to keep of a minute's work: the statements that took the longest, and those followed. Pure. */
export function rowsOf(
  work: WorkById,
  { at, seconds, followed }: { at: number; seconds: number; followed: ReadonlySet<string> },
): Row[] {
  const ranked = [...work].sort(([a, { total_ms: one }], [b, { total_ms: other }]) =>
    other - one || (a < b ? -1 : 1)
  );
  const row = ([query_id, done]: [string, StatementWork]): Row => ({
    ...done,
    query_id,
    at,
    seconds,
  });
  return [
    ...ranked.slice(0, keptPerMinute),
    ...ranked.slice(keptPerMinute).filter(([id]) => followed.has(id)).slice(0, followedMax),
  ].map(row);
}

/** Returns the sums of points in intervals of `stepMs`, oldest first. Of two points of one time the one with more seconds counts. Pure. */
export function sumInSteps(points: readonly StoredWork[], stepMs: number): WorkPoint[] {
  const single = new Map<number, StoredWork>();
  for (const point of points) {
    const other = single.get(point.at);
    if (!other || other.seconds < point.seconds) single.set(point.at, point);
  }
  const intervals = new Map<number, WorkPoint>();
  for (const { at, ...done } of [...single.values()].sort((a, b) => a.at - b.at)) {
    const ts = Math.floor(at / stepMs) * stepMs;
    const sum = intervals.get(ts);
    if (!sum) intervals.set(ts, { ts, ...done });
    else for (const name of storedSums) sum[name] += done[name];
  }
  return [...intervals.values()];
}

/** Holds the rows of the minutes that are not written: the present minute, and those that wait. */
class WaitingMinutes {
  #open: { at: number; seconds: number; work: WorkById; followed: Set<string> } | undefined;
  #rows: readonly Row[] = [];
  dropped = 0;

  note(
    work: WorkById,
    { at, seconds, followed }: { at: number; seconds: number; followed: Iterable<string> },
  ): void {
    const begin = Math.floor(at / minute) * minute;
    if (this.#open && this.#open.at !== begin) this.#close();
    this.#open ??= { at: begin, seconds: 0, work: new Map(), followed: new Set() };
    this.#open.seconds += seconds;
    this.#open.work = sumWork([this.#open.work, work]);
    this.#open.followed = new Set([...this.#open.followed, ...followed]);
  }

  #close(): void {
    if (!this.#open) return;
    const rows = [...this.#rows, ...rowsOf(this.#open.work, this.#open)];
    this.dropped += Math.max(0, rows.length - waitingMax);
    this.#rows = rows.slice(-waitingMax);
    this.#open = undefined;
  }

  /** The rows of minutes that are over. */
  get complete(): readonly Row[] {
    return this.#rows;
  }

  /** When the first minute begins that is not written; Infinity without one. */
  get oldestAt(): number {
    return Math.min(this.#rows[0]?.at ?? Infinity, this.#open?.at ?? Infinity);
  }

  remove(written: ReadonlySet<Row>): void {
    this.#rows = this.#rows.filter((row) => !written.has(row));
  }

  forgetSince(at: number): void {
    this.#rows = this.#rows.filter((row) => row.at < at);
    this.#open = undefined;
  }

  of(id: string): StoredWork[] {
    const present = this.#open && rowsOf(this.#open.work, this.#open);
    return [...this.#rows, ...present ?? []].flatMap(({ query_id, ...done }) =>
      query_id === id ? [done] : []
    );
  }
}

/** Makes the history of statements. Each minute costs one COPY of at most 40 rows of 76 bytes. */
export function createStatementHistory(
  { writer, reader, levels, access, now, log }: {
    writer: Pool;
    reader: Pick<Pool, "run">;
    /** Finest first. */
    levels: readonly Level[];
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly">;
    now: () => number;
    log: Logger;
  },
): StatementHistory {
  const [finest] = levels;
  if (!finest) throw new RangeError("Cannot keep the history of statements: there is no level");
  const waiting = new WaitingMinutes();
  const leaves = new KnownLeaves();
  const rollups = new Rollups({
    pool: writer,
    levels,
    leaves,
    deadlineMs,
    combine: (sql, range) => rollUpStatementWork(sql, range, keptPerBucket),
  });
  const jobs = createSerialQueue();
  let problem: string | undefined;

  /** Runs `work`; logs the first failure of several and the first success after them. */
  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (problem !== undefined) log.info("statement_history_written_again", {});
      problem = undefined;
    } catch (caught) {
      // Another session may have dropped a leaf.
      leaves.clear();
      const error = describeDatabaseError(caught);
      if (problem === undefined) log.warn("statement_history_not_written", { error });
      problem = error;
    }
  }

  async function write(rows: readonly Row[]): Promise<void> {
    const made = await writer.transaction(async (sql) => {
      const names = await leaves.make(sql, finest!, rows.map(({ at }) => at));
      await insertStatementWork(sql, rows);
      return names;
    }, { deadlineMs });
    leaves.add(made);
    waiting.remove(new Set(rows));
  }

  const flush = () =>
    guarded(async () => {
      const rows = waiting.complete;
      if (rows.length > 0) await write(rows);
    });

  async function upkeep(): Promise<void> {
    await flush();
    if (problem !== undefined) return;
    await guarded(async () => {
      await rollups.rollUp(Math.min(waiting.oldestAt, now() - lateMs), now());
      await rollups.dropOld(now());
    });
  }

  return {
    note: (work, round) => waiting.note(work, round),
    flush: () => access.canWrite() ? jobs.run(flush) : Promise.resolve(),
    upkeep: () => access.canWrite() ? jobs.run(upkeep) : Promise.resolve(),
    forgetSince: (at) => waiting.forgetSince(at),
    async read({ queryId, from, to, stepSeconds }) {
      const chosen = levelsFor(levels, { from, to, now: now(), stepSeconds });
      const seconds = Math.max(stepSeconds ?? 0, chosen[0]?.seconds ?? finest.seconds);
      // Read before the database: what is written meanwhile is then in both, and counted once.
      const fresh = waiting.of(queryId).filter(({ at }) => at >= from && at <= to);
      const answer = (points: readonly StoredWork[], incomplete?: string): WorkAnswer => ({
        points: sumInSteps(points, seconds * 1000),
        stepSeconds: seconds,
        incomplete,
      });
      if (access.isWatchOnly()) {
        return answer(fresh, "beside a standby: only what is in memory, two hours at most");
      }
      try {
        const tables = chosen.map(({ table }) => table);
        const stored = await reader.run(
          (sql) => readStatementWork(sql, queryId, { tables, from, to }),
          { deadlineMs: readDeadlineMs },
        );
        return answer([...stored, ...fresh]);
      } catch (error) {
        if (error instanceof HoldfastError && error.code === "client_left") throw error;
        log.warn("statement_history_not_read", { error: describeDatabaseError(error) });
        return answer(fresh, "the database cannot be read: these points are from memory");
      }
    },
  };
}
