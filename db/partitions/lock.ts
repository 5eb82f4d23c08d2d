import type { Sql } from "../connection.ts";
import { HoldfastError } from "../../errors.ts";
import { unlessAborted } from "../../lib/deadline.ts";
import { sqlState } from "../sql_state.ts";
import { codeOf } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import { allowIdle, setLockTimeout } from "../session/transaction.ts";

/** Longest duration of a rotation. */
const longestMs = 60 * 60_000;
const keepAliveMs = 2_000;

/**
 * Runs `work` while no other Holdfast rotates, with a signal that aborts when the lock was lost: at its deadline, or with its
 * session. Another Holdfast may rotate from then on, so `work` begins nothing more. The lock lives in a transaction of its
 * own, which a transaction-mode pooler keeps on one session and which ends with the process; it holds no snapshot and no lock
 * on any table. Throws `conflict` when another one still rotates after `waitMs`, and the reason of `signal` when it aborts
 * before `work` begins.
 */
export async function holdRotationLock<T>(
  pool: Pool,
  waitMs: number,
  work: (held: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const lost = new AbortController();
  const locked = Promise.withResolvers<void>();
  const whole = pool.transaction(async (sql) => {
    await allowIdle(sql, longestMs);
    await setLockTimeout(sql, waitMs);
    try {
      // By the simple protocol: the extended one leaves a portal open, and a FINALIZE would wait for its snapshot.
      await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotation', 0))`.simple();
    } catch (cause) {
      if (codeOf(cause) !== sqlState.lockNotAvailable) throw cause;
      throw new HoldfastError(
        "conflict",
        "Partitions are being rotated at the moment, by the schedule or by another Holdfast",
        {
          retryAfterSeconds: 10,
          cause,
        },
      );
    }
    signal?.throwIfAborted();
    locked.resolve();
    // On a lost connection the call itself throws, which in a timer would be nobody's error.
    const check = async () => await sql`select 1`.simple();
    const keepAlive = setInterval(() => check().catch((error) => lost.abort(error)), keepAliveMs);
    try {
      return await work(lost.signal);
    } finally {
      clearInterval(keepAlive);
    }
  }, { deadlineMs: longestMs });
  // After an abort the transaction ends by itself once the lock is granted or refused.
  if (signal) await unlessAborted(signal, Promise.race([locked.promise, whole]));
  return await whole;
}

/** Waits until no other transaction attaches or drops partitions, and keeps others from it until this one ends. */
export async function lockPartitionChanges(sql: Sql): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotate', 0))`;
}
