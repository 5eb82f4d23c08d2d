import type { Sql } from "../../../db/connection.ts";
import { codeOf, driverError } from "../../../db/errors.ts";
import { applyStatement, runStatement } from "../../../db/rehearsals/replay.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { splitStatements } from "../workload/sql_text.ts";
import type { LockRecord } from "./locks.ts";

const control =
  /^(begin|start|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;

/** Returns where an error lies, as line and column of the script. */
function placeOf(error: unknown, sql: string, line: number): string {
  const position = Number((driverError(error) as { position?: unknown })?.position);
  if (!Number.isInteger(position) || position < 1) return `line ${line}`;
  const before = [...sql].slice(0, position - 1).join("").split("\n");
  return `line ${line + before.length - 1}, column ${before.at(-1)!.length + 1}`;
}

/** Returns the error for a statement that the server refused, with what its author needs to correct it. */
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
 * Runs a script, statement by statement, each in its own transaction, which reports its locks before it commits. Scripts
 * with transaction control and statements that no transaction allows run without one. Throws a `conflict` that says which
 * statement failed, where, and why.
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
      if (controlled) {
        await runStatement(sql, text);
        continue;
      }
      const sinceMs = nowMs();
      const locks = await applyStatement(sql, text);
      if (locks) record.noteHeld(locks, { sinceMs, untilMs: nowMs() });
    } catch (error) {
      signal.throwIfAborted();
      throw refused(error, text, line, `${at + 1} of ${statements.length}`);
    }
  }
}
