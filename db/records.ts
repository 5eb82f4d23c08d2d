import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { HoldfastError } from "../errors.ts";
import { type ConnectOptions, connectSql } from "./connection.ts";
import { toHoldfastError } from "./errors.ts";

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

/** Beyond the client's own statement timeout: by then the link is dead. */
const answerMs = 12_000;

/** Awaits a query of drizzle's, but not for ever; what it throws carries the driver's error, whose code counts. */
export async function kept<T>(query: PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new HoldfastError("deadline_exceeded", "The database did not answer in time", {
          retryAfterSeconds: 2,
        }),
      );
    }, answerMs);
  });
  try {
    return await Promise.race([query, late]);
  } catch (error) {
    throw toHoldfastError(error instanceof HoldfastError ? error : (error as Error).cause ?? error);
  } finally {
    clearTimeout(timer);
  }
}
