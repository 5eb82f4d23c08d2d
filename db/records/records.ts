import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { ConnectOptions, Sql } from "../connection.ts";
import { createPool, type PoolerMode } from "../pool/pool.ts";

/** Holdfast's own records, asked through drizzle; every question has the pool's deadline. */
export interface RecordsDb {
  run<T>(
    query: (db: PostgresJsDatabase) => PromiseLike<T>,
    options?: { inTransaction?: boolean },
  ): Promise<T>;
}

/**
 * Opens drizzle for Holdfast's own records (alerts, benchmark runs), on connections of its own: drizzle changes
 * how its client reads times, which plain queries must not see.
 */
export function openRecords(
  options: Omit<ConnectOptions, "max" | "onClose" | "pooled"> & { pooler: PoolerMode },
): { db: RecordsDb; renew(): void; end(): Promise<void> } {
  const pool = createPool({ ...options, max: 2, waitingMax: 200 });
  return {
    db: {
      run(query, { inTransaction = false } = {}) {
        const work = async (sql: Sql) => await query(drizzle(sql));
        return inTransaction ? pool.transaction(work) : pool.run(work);
      },
    },
    renew: () => pool.renew(),
    end: () => pool.end(),
  };
}

export type Records = ReturnType<typeof openRecords>;
