import type { Sql } from "./connection.ts";
import { isUnreachable } from "./errors.ts";

/**
 * Runs `work` in one transaction on a client of a single connection. A commit that Postgres turns into a rollback
 * (a statement failed and its error was swallowed) is an error here: acknowledged must mean committed.
 */
export async function inTransaction<T>(sql: Sql, work: (sql: Sql) => Promise<T>): Promise<T> {
  await sql`begin`;
  try {
    const answer = await work(sql);
    const { command } = await sql`commit`;
    if (command !== "COMMIT") throw new Error(`The transaction ended with ${command}`);
    return answer;
  } catch (error) {
    // On a lost connection there is nothing to roll back, and postgres.js never settles a query that comes
    // between its socket's error and its close.
    if (!isUnreachable(error)) await rollback(sql);
    throw error;
  }
}

async function rollback(sql: Sql): Promise<void> {
  try {
    await sql`rollback`;
  } catch {
    // the first error tells more
  }
}

/** Lets this transaction wait for a slow upload: the pool's limit would end it between two batches. */
export async function allowIdle(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('idle_in_transaction_session_timeout', ${String(ms)}, true)`;
}
