import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { type ConnectOptions, connectSql } from "./connection.ts";

export type RecordsDb = PostgresJsDatabase;

/**
 * Opens drizzle for Holdfast's own records (alerts, benchmark runs), on a client of its own: drizzle changes
 * how its client reads times, which plain queries must not see.
 */
export function openRecords(
  options: Omit<ConnectOptions, "max">,
): { db: RecordsDb; end(): Promise<void> } {
  const client = connectSql({ ...options, max: 2 });
  return { db: drizzle(client), end: () => client.end({ timeout: 5 }).catch(() => {}) };
}
