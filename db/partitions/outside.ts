import { randomUUID } from "node:crypto";
import type { Sql } from "../connection.ts";
import { codeOf } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import { outsideTransaction } from "../session/transaction.ts";
import { sqlState } from "../sql_state.ts";

const checkMs = 250;

/** Cancels a marked statement that waits too long for a lock, or runs too long; returns the reason. */
async function cancelLate(
  pool: Pool,
  mark: string,
  { lockMs, statementMs }: { lockMs: number; statementMs: number },
): Promise<"lock" | "statement" | undefined> {
  const [row] = await pool.run((sql) =>
    sql<{ why: "lock" | "statement" }[]>`
      with late as materialized (
        select
          a.pid,
          case when exists (
            select from pg_locks as l
            where l.pid = a.pid and not l.granted
              and l.waitstart < clock_timestamp() - ${lockMs}::int4 * interval '1 ms'
          ) then 'lock'
          when a.query_start < clock_timestamp() - ${statementMs}::int4 * interval '1 ms'
            then 'statement'
          end as why
        from pg_stat_activity as a
        where a.state = 'active' and starts_with(a.query, ${mark}::text)
      )
      select why from late where why is not null and pg_cancel_backend(pid)`
  );
  return row?.why;
}

/**
 * Sends a statement that no transaction may hold. On a direct session the pool's timeouts hold. Behind a pooler in
 * transaction mode a session has none of ours, and may not be given any, for it is everybody's: there the statement bears a
 * mark, and a second connection cancels it after the same times. Throws 55P03 (lock_not_available) as the server would.
 */
export async function sendOutsideTransaction(
  pool: Pool,
  sql: Sql,
  statement: string,
  limits: { lockMs: number; statementMs: number },
): Promise<void> {
  const { plain, pooled } = outsideTransaction(sql);
  if (!pooled) {
    await plain.unsafe(statement);
    return;
  }
  const mark = `/* holdfast ${randomUUID()} */`;
  let why: "lock" | "statement" | undefined;
  let checking = false;
  const timer = setInterval(async () => {
    if (checking) return;
    checking = true;
    why ??= await cancelLate(pool, mark, limits).catch(() => undefined);
    checking = false;
  }, checkMs);
  try {
    await plain.unsafe(`${mark} ${statement}`);
  } catch (error) {
    // The result of the check may arrive after the cancellation that it made.
    if (codeOf(error) !== sqlState.queryCanceled || why === "statement") throw error;
    throw Object.assign(new Error("canceled after waiting for a lock", { cause: error }), {
      code: sqlState.lockNotAvailable,
    });
  } finally {
    clearInterval(timer);
  }
}
