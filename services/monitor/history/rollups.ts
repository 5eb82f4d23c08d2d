import { dropLeaves } from "../../../db/history/leaves.ts";
import {
  lockFirstRollup,
  rollUp,
  type RollupRange,
  rollupState,
} from "../../../db/history/samples.ts";
import type { Sql } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { KnownLeaves } from "./known_leaves.ts";
import type { Level } from "./levels.ts";

const dropEveryMs = 600_000;

/** Rolls samples up from each level into the next coarser one, and drops leaves that are older than a level keeps. */
export class Rollups {
  readonly #pool: Pool;
  readonly #levels: readonly Level[];
  readonly #leaves: KnownLeaves;
  readonly #deadlineMs: number;
  readonly #rollUp: (sql: Sql, range: RollupRange) => Promise<void>;
  #droppedAt = -Infinity;

  constructor({ pool, levels, leaves, deadlineMs, combine = rollUp }: {
    pool: Pool;
    /** Finest first. */
    levels: readonly Level[];
    leaves: KnownLeaves;
    deadlineMs: number;
    /** Rolls one range up and records that; by default that of samples. */
    combine?: (sql: Sql, range: RollupRange) => Promise<void>;
  }) {
    this.#pool = pool;
    this.#levels = levels;
    this.#leaves = leaves;
    this.#deadlineMs = deadlineMs;
    this.#rollUp = combine;
  }

  /** Rolls up every level to `complete`, before which no sample is missing; milliseconds since 1970. */
  async rollUp(complete: number, now: number): Promise<void> {
    for (const [i, level] of this.#levels.entries()) {
      const source = this.#levels[i - 1];
      if (source) await this.#rollUpLevel(level, source, complete, now);
    }
  }

  /** Drops old leaves, at most every ten minutes. */
  async dropOld(now: number): Promise<void> {
    if (now - this.#droppedAt < dropEveryMs) return;
    for (const { table, keepMs } of this.#levels) {
      const gone = await this.#pool.run((sql) => dropLeaves(sql, table, { now, keepMs }), {
        deadlineMs: this.#deadlineMs,
      });
      this.#leaves.remove(gone);
    }
    this.#droppedAt = now;
  }

  async #rollUpLevel(level: Level, source: Level, complete: number, now: number): Promise<void> {
    const made = await this.#pool.transaction(async (sql) => {
      const range = await this.#rangeToRollUp(sql, level, source, complete, now);
      if (!range) return [];
      const { from, to } = range;
      const times = [to - 1];
      for (let at = from; at < to; at += level.leafMs) times.push(at);
      const names = await this.#leaves.make(sql, level, times);
      const { table, seconds } = level;
      await this.#rollUp(sql, { table, source: source.table, seconds, from, to });
      return names;
    }, { deadlineMs: this.#deadlineMs });
    this.#leaves.add(made);
  }

  /** Returns the buckets of a level that are complete and not rolled up yet; undefined when there are none. */
  async #rangeToRollUp(
    sql: Sql,
    { table, seconds }: Level,
    source: Level,
    complete: number,
    now: number,
  ): Promise<{ from: number; to: number } | undefined> {
    const read = () => rollupState(sql, { table, source: source.table, seconds, before: complete });
    let { until, oldest } = await read();
    if (until === null && oldest !== null) {
      // Nobody has rolled this table up yet: of several Holdfasts that are about to, one does.
      await lockFirstRollup(sql, table);
      ({ until, oldest } = await read());
    }
    const start = until ?? oldest;
    if (start === null) return undefined;
    // After a long stop, the finer table keeps nothing from before this.
    const first = Math.max(start, now - source.keepMs - source.leafMs);
    const widthMs = seconds * 1000;
    const from = Math.floor(first / widthMs) * widthMs;
    const to = Math.floor(complete / widthMs) * widthMs;
    return to > from ? { from, to } : undefined;
  }
}
