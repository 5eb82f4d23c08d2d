import { sqlState } from "../sql_state.ts";
import type { Sql } from "../connection.ts";
import { codeOf } from "../errors.ts";
import { ownLocks, type SeenLock, type WriteSample } from "./effects.ts";
import { explainPlan } from "./probe.ts";

/** SQLSTATEs of statements that no transaction block allows: those with CONCURRENTLY, and procedures that commit. */
const notInTransaction: ReadonlySet<string> = new Set([
  sqlState.activeSqlTransaction,
  sqlState.invalidTransactionTermination,
]);

/** Runs one statement that a user gave. */
export async function runStatement(sql: Sql, text: string): Promise<void> {
  await sql.unsafe(text);
}

/** Runs one statement, rolls it back, and returns the milliseconds that the statement alone took. */
export async function timeStatement(
  sql: Sql,
  text: string,
  kind: "read" | "write",
): Promise<number> {
  await sql.unsafe(kind === "read" ? "begin read only" : "begin");
  try {
    const began = performance.now();
    await sql.unsafe(text);
    return performance.now() - began;
  } finally {
    await sql.unsafe("rollback");
  }
}

/** Explains a statement and rolls it back, because `analyse` executes it. Returns the answer of EXPLAIN (FORMAT JSON). */
export async function explainStatement(
  sql: Sql,
  text: string,
  { analyse }: { analyse: boolean },
): Promise<unknown> {
  await sql.unsafe("begin");
  try {
    return await explainPlan(sql, text, { analyse });
  } finally {
    await sql.unsafe("rollback");
  }
}

/** Takes a sample's rows out of the table, inserts them again, rolls back, and returns the milliseconds of the inserts. */
export async function timeInserts(sql: Sql, { take, write }: WriteSample): Promise<number> {
  await sql.unsafe("begin");
  try {
    await sql.unsafe(take);
    const began = performance.now();
    await sql.unsafe(write);
    return performance.now() - began;
  } finally {
    await sql.unsafe("rollback");
  }
}

/**
 * Runs one statement in a transaction, and returns the locks that it holds just before it commits. A statement that no
 * transaction block allows runs without one; its locks are unknown.
 */
export async function applyStatement(
  sql: Sql,
  text: string,
): Promise<Pick<SeenLock, "mode" | "relation">[] | undefined> {
  await sql.unsafe("begin");
  try {
    await sql.unsafe(text);
  } catch (error) {
    await sql.unsafe("rollback");
    if (!notInTransaction.has(codeOf(error))) throw error;
    await sql.unsafe(text);
    return undefined;
  }
  const locks = await ownLocks(sql);
  await sql.unsafe("commit");
  return locks;
}
