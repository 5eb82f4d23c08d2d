import type { CopyEncoder } from "../../../db/copy.ts";
import type { Sql } from "../../../db/connection.ts";
import type { BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { copyBinary } from "../insert/methods.ts";
import { type BenchTick, timestampOf } from "../ticks.ts";

/** Stores ticks that are due. */
export interface Writer {
  /** Begins to write `ticks`; calls `ended` with the index of each once it is durable. */
  write(ticks: readonly BenchTick[], ended: (place: number) => void): void;
  /** Waits until all ticks are durable; throws the error of a write. */
  drain(): Promise<void>;
}

/** Creates a writer with one statement and one commit per insert. */
export function createSingles(sql: Sql, ctx: BenchmarkContext, table: string): Writer {
  const statement = `
    insert into ${ctx.table(table)} (ts, instrument_id, price, size, exchange)
    values ($1::text::timestamptz, $2, $3, $4, $5)`;
  let pending: Promise<void>[] = [];
  return {
    write(ticks, ended) {
      for (const [place, tick] of ticks.entries()) {
        const written = sql.unsafe(statement, [
          timestampOf(tick.tsUs),
          tick.instrumentId,
          tick.priceCents / 100,
          tick.size,
          tick.exchange,
        ], { prepare: true }).then(() => ended(place));
        written.catch(() => {}); // thrown by drain
        pending.push(written);
      }
    },
    async drain() {
      const all = pending;
      pending = [];
      await Promise.all(all);
    },
  };
}

const groupMax = 5_000;

/** Creates a writer with group commit: ticks that arrive while a group is written are the next group. */
export function createGrouped(
  sql: Sql,
  ctx: BenchmarkContext,
  table: string,
  encoder: CopyEncoder,
): Writer {
  let waiting: { tick: BenchTick; end: () => void }[] = [];
  let failure: unknown;
  let writing: Promise<void> | undefined;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.slice(0, groupMax);
      waiting = waiting.slice(groupMax);
      await copyBinary({ sql, table: ctx.table }, table, encoder, group.map(({ tick }) => tick));
      for (const { end } of group) end();
    }
    // Here, not in a callback: ticks that arrive from now on begin another group.
    writing = undefined;
  }

  return {
    write(ticks, ended) {
      for (const [place, tick] of ticks.entries()) waiting.push({ tick, end: () => ended(place) });
      writing ??= work().catch((error) => {
        failure = error;
        writing = undefined;
      });
    },
    async drain() {
      await writing;
      if (failure) throw failure;
    },
  };
}
