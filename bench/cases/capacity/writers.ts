import type { CopyEncoder } from "../../../db/copy.ts";
import type { Sql } from "../../../db/connection.ts";
import type { BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { copyBinary } from "../insert/methods.ts";
import { type BenchTick, timestampOf } from "../ticks.ts";

/** Takes ticks as they fall due and makes them durable. */
export interface Writer {
  /** Begins to write `ticks`; calls `ended` for each (by its place) once it is durable. */
  write(ticks: readonly BenchTick[], ended: (place: number) => void): void;
  /** Waits until all is durable; throws what a write threw. */
  drain(): Promise<void>;
}

/** Every insert a statement and a commit of its own. */
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
        written.catch(() => {}); // drain tells
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

/** What came while the last group was written is the next group: one COPY, one commit, one flush for all of it. */
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
    // Here, not in a callback: what comes from now on must start anew.
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
