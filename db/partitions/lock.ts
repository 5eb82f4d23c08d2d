import { HoldfastError } from "../../errors.ts";
import { sqlState } from "../sql_state.ts";
import { codeOf } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import { allowIdle } from "../session/transaction.ts";

/** Longest rotation. */
const longestMs = 60 * 60_000;
const keepAliveMs = 2_000;

/**
 * Runs `work` while no other Holdfast rotates. The lock lives in a transaction of its own, which a transaction-mode
 * pooler keeps on one session and which ends with the process; it holds no snapshot and no lock on any table.
 * Throws `conflict` when another one still rotates after `waitMs`.
 */
export async function holdRotationLock<T>(
  pool: Pool,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  return await pool.transaction(async (sql) => {
    await allowIdle(sql, longestMs);
    await sql`select set_config('lock_timeout', ${`${waitMs}ms`}, true)`;
    try {
      // By the simple protocol: the other one leaves its portal open, whose snapshot a FINALIZE would wait for.
      await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotation', 0))`.simple();
    } catch (cause) {
      if (codeOf(cause) !== sqlState.lockNotAvailable) throw cause;
      throw new HoldfastError(
        "conflict",
        "Partitions are being rotated just now, by the schedule or by another Holdfast",
        {
          retryAfterSeconds: 10,
          cause,
        },
      );
    }
    const keepAlive = setInterval(() => sql`select 1`.simple().catch(() => {}), keepAliveMs);
    try {
      return await work();
    } finally {
      clearInterval(keepAlive);
    }
  }, { deadlineMs: longestMs });
}
