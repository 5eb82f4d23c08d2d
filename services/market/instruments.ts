import type { Sql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { sqlState } from "../../db/sql_state.ts";
import {
  createInstrument,
  findInstrument,
  holdInstrument,
  type InstrumentChanges,
  type InstrumentRow,
  listInstruments,
  purgeInstrument,
  setDeleted,
  updateInstrument,
} from "../../db/market/instruments.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { type Page, readPage } from "../../lib/paging/page.ts";

type Check = ((current: InstrumentRow | undefined) => void) | undefined;

export interface Instruments {
  list(query: {
    limit: number;
    cursor?: string | undefined;
    deleted: boolean;
    symbol?: string | undefined;
  }): Promise<Page<InstrumentRow>>;
  get(id: number): Promise<InstrumentRow>;
  create(input: InstrumentChanges & { symbol: string }): Promise<InstrumentRow>;
  /** `check` receives the present instrument in the same transaction, and throws to prevent the change. */
  update(id: number, changes: InstrumentChanges, check?: Check): Promise<InstrumentRow>;
  softDelete(id: number, check?: Check): Promise<InstrumentRow>;
  restore(id: number): Promise<InstrumentRow>;
  /** Deletes an instrument permanently. Throws `instrument_referenced` while a tick refers to it. */
  purge(id: number, check?: Check): Promise<void>;
}

function referenced(): HoldfastError {
  return new HoldfastError(
    "instrument_referenced",
    "Ticks refer to this instrument; it can only be soft-deleted",
  );
}

function missing(id: number): HoldfastError {
  return new HoldfastError("not_found", `No instrument has the id ${id}`);
}

/** Lists and changes instruments. `onChange` is called after every change, so that caches of symbols are cleared. */
export function createInstruments(
  { pool, onChange }: { pool: Pool; onChange: () => void },
): Instruments {
  async function change<T>(work: () => Promise<T>, symbol?: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const state = codeOf(error);
      if (state === sqlState.uniqueViolation) {
        throw new HoldfastError(
          "symbol_taken",
          `An instrument already has the symbol ${symbol ?? ""}`.trim(),
          {
            problems: [{ path: "symbol", message: "already taken" }],
          },
        );
      }
      // restrict_violation by the trigger; candles written meanwhile raise 23503 before Postgres 18.
      if (state === sqlState.restrictViolation || state === sqlState.foreignKeyViolation) {
        throw referenced();
      }
      throw error;
    } finally {
      onChange();
    }
  }

  async function get(id: number): Promise<InstrumentRow> {
    const row = await pool.run((sql) => findInstrument(sql, id));
    if (!row) throw missing(id);
    return row;
  }

  /** Runs `work`, with `check` on the locked instrument in the same transaction when there is one. */
  async function checked<T>(id: number, check: Check, work: (sql: Sql) => Promise<T>): Promise<T> {
    if (!check) return await pool.run(work);
    return await pool.transaction(async (sql) => {
      const row = await holdInstrument(sql, id);
      if (!row) throw missing(id);
      check(row);
      return await work(sql);
    });
  }

  return {
    list: ({ deleted, symbol, ...query }) =>
      readPage(query, {
        parts: [cursorParts.id],
        read: (position, limit) =>
          pool.run((sql) =>
            listInstruments(sql, { after: Number(position?.[0] ?? 0), limit, deleted, symbol })
          ),
        positionOf: (row) => [String(row.id)],
      }),
    get,
    create: (input) => change(() => pool.run((sql) => createInstrument(sql, input)), input.symbol),
    async update(id, changes, check) {
      const row = await change(
        () => checked(id, check, (sql) => updateInstrument(sql, id, changes)),
        changes.symbol,
      );
      if (row) return row;
      await get(id);
      throw new HoldfastError("conflict", `The instrument ${id} is deleted; restore it first`);
    },
    async softDelete(id, check) {
      return await change(() => checked(id, check, (sql) => setDeleted(sql, id, true))) ??
        await get(id);
    },
    async restore(id) {
      return await change(() => pool.run((sql) => setDeleted(sql, id, false))) ?? await get(id);
    },
    async purge(id, check) {
      const outcome = await change(() =>
        pool.transaction(async (sql) => {
          if (check) {
            const row = await holdInstrument(sql, id);
            if (!row) return "missing";
            check(row);
          }
          return await purgeInstrument(sql, id);
        })
      );
      if (outcome === "missing") throw missing(id);
      if (outcome === "referenced") throw referenced();
    },
  };
}
