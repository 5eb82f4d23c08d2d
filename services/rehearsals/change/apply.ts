import type { Sql } from "../../../db/connection.ts";
import { codeOf, driverError } from "../../../db/errors.ts";
import { ownLocks } from "../../../db/rehearsals/effects.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { splitStatements } from "../workload/sql_text.ts";
import type { LockRecord } from "./locks.ts";

/** Codes of statements that no transaction may hold, such as those with CONCURRENTLY. */
const notInTransaction = "25001";
const control =
  /^(begin|start|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;

/** Where in a statement an error lies, as words: the line and column of the script. */
function placeOf(error: unknown, sql: string, line: number): string {
  const position = Number((driverError(error) as { position?: unknown })?.position);
  if (!Number.isInteger(position) || position < 1) return `line ${line}`;
  const before = [...sql].slice(0, position - 1).join("").split("\n");
  return `line ${line + before.length - 1}, column ${before.at(-1)!.length + 1}`;
}

/** A change that the server refused, told so that its author can mend it. */
function refused(error: unknown, sql: string, line: number, count: string): HoldfastError {
  const { detail, hint } = (driverError(error) ?? {}) as { detail?: unknown; hint?: unknown };
  const more = [detail, hint].filter((text) => typeof text === "string" && text !== "");
  const shown = sql.replaceAll(/\s+/g, " ").slice(0, 120);
  const words = [`${messageOf(driverError(error))} (SQLSTATE ${codeOf(error)})`, ...more].join(
    ". ",
  );
  return new HoldfastError(
    "conflict",
    `The change failed at statement ${count}, ${
      placeOf(error, sql, line)
    }: ${words}. Statement: ${shown}`,
    { cause: error },
  );
}

/**
 * Carries a script out, statement by statement. Each runs in a transaction of its own, which tells all locks before it
 * commits, where the server allows that and the script has none of its own. Throws a `conflict` that says which statement
 * failed, where, and why.
 */
export async function applyScript(
  sql: Sql,
  script: string,
  { record, nowMs, signal }: { record: LockRecord; nowMs: () => number; signal: AbortSignal },
): Promise<void> {
  const statements = splitStatements(script);
  const controlled = statements.some(({ sql }) => control.test(sql));
  for (const [at, { sql: text, line }] of statements.entries()) {
    signal.throwIfAborted();
    try {
      if (controlled) await sql.unsafe(text);
      else await applyOne(sql, text, record, nowMs);
    } catch (error) {
      signal.throwIfAborted();
      throw refused(error, text, line, `${at + 1} of ${statements.length}`);
    }
  }
}

async function applyOne(
  sql: Sql,
  text: string,
  record: LockRecord,
  nowMs: () => number,
): Promise<void> {
  const sinceMs = nowMs();
  await sql.unsafe("begin");
  try {
    await sql.unsafe(text);
  } catch (error) {
    await sql.unsafe("rollback");
    if (codeOf(error) !== notInTransaction) throw error;
    await sql.unsafe(text);
    return;
  }
  const locks = await ownLocks(sql);
  await sql.unsafe("commit");
  record.noteHeld(locks, { sinceMs, untilMs: nowMs() });
}
