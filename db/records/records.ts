import { drizzle, type PgRemoteDatabase } from "drizzle-orm/pg-proxy";
import type { ConnectOptions, Sql } from "../connection.ts";
import { createPool, type Pool, type PoolerMode } from "../pool/pool.ts";

/** One connection as drizzle sees it, for the statements of one question. */
export type RecordsSession = PgRemoteDatabase;

/** Holdfast's own records, asked through drizzle; every question has the pool's deadline. */
export interface RecordsDb {
  run<T>(
    query: (db: RecordsSession) => PromiseLike<T>,
    options?: {
      inTransaction?: boolean;
      /** Whether several requests wait for it, so that it does not end with the client of one. */
      shared?: boolean;
    },
  ): Promise<T>;
}

const preparedParametersMax = 50;

/**
 * Opens drizzle on a connection, or in its transaction. Drizzle's own adapter for postgres.js replaces how the client reads
 * times and writes JSON, for every other query on it as well; here drizzle only builds statements and maps rows, and the
 * client stays unchanged. Statements are prepared, as the driver's own are: one round trip less. Those with
 * more parameters insert rows: each number of rows would leave one more prepared statement.
 */
export function recordsIn(sql: Sql): RecordsSession {
  return drizzle(async (text, params, method) => {
    const query = sql.unsafe(text, params, {
      prepare: params.length <= preparedParametersMax,
    });
    return { rows: Array.from(await (method === "all" ? query.values() : query)) };
  });
}

/** Returns Holdfast's own records on a pool. */
export function recordsOn(pool: Pick<Pool, "run" | "transaction">): RecordsDb {
  return {
    run(query, { inTransaction = false, shared = false } = {}) {
      const work = async (sql: Sql) => await query(recordsIn(sql));
      const options = shared ? { signal: null } : {};
      return inTransaction ? pool.transaction(work, options) : pool.run(work, options);
    },
  };
}

/** Opens Holdfast's own records on a pool of their own. */
export function openRecords(
  options: Omit<ConnectOptions, "max" | "onClose" | "pooled"> & { pooler: PoolerMode },
): { db: RecordsDb; end(): Promise<void> } {
  const pool = createPool({ ...options, max: 2, waitingMax: 200 });
  return { db: recordsOn(pool), end: () => pool.end() };
}
