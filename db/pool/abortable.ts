import { endsWithin } from "../../lib/deadline.ts";
import type { Pool } from "./pool.ts";

/** Longest wait for work to notice that its connection was dropped, and to clean up; milliseconds. */
const settleMs = 1_000;

/** Does work on a connection that is dropped when `signal` aborts, and waits for the work to clean up. */
async function cutOff<T, R, A extends unknown[]>(
  signal: AbortSignal,
  work: (...given: A) => Promise<T>,
  begin: (work: (...given: A) => Promise<T>, signal: AbortSignal) => Promise<R>,
): Promise<R> {
  signal.throwIfAborted();
  const cut = new AbortController();
  const abort = () => cut.abort(signal.reason);
  let working: Promise<T> | undefined;
  signal.addEventListener("abort", abort);
  try {
    return await begin((...given) => {
      working = work(...given);
      // The outcome of a commit that is cut off would be unknown.
      const done = () => signal.removeEventListener("abort", abort);
      working.then(done, done);
      return working;
    }, cut.signal);
  } catch (error) {
    if (!cut.signal.aborted) throw error;
    if (working) await endsWithin(working.then(() => {}, () => {}), settleMs);
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Returns a pool whose work ends when `signal` aborts: the server cancels the statement, the transaction is rolled back, and
 * the reason of `signal` is thrown. A transaction whose work is done commits even then. Without a signal it is the pool itself.
 */
export function abortablePool(pool: Pool, signal: AbortSignal | undefined): Pool {
  if (!signal) return pool;
  return {
    ...pool,
    run: (work, options) =>
      cutOff(signal, work, (work, signal) => pool.run(work, { ...options, signal })),
    transaction: (work, options) =>
      cutOff(signal, work, (work, signal) => pool.transaction(work, { ...options, signal })),
    pipelinedTransaction: (work, options) =>
      cutOff(
        signal,
        work,
        (work, signal) => pool.pipelinedTransaction(work, { ...options, signal }),
      ),
  };
}
