import { HoldfastError } from "../../../errors.ts";
import { endsWithin } from "../../../lib/deadline.ts";

/**
 * Creates one lock per idempotency key. A second upload in this process with the same key waits here, not in the database,
 * where it would block the group that it is written with.
 */
export function createKeyLocks({ waitMs }: { waitMs: number }) {
  const held = new Map<string, Promise<void>>();
  return {
    /** Takes the lock of `key` and returns what releases it. Throws `idempotency_in_flight` after `waitMs`. */
    async acquire(key: string): Promise<() => void> {
      const until = performance.now() + waitMs;
      for (let holder = held.get(key); holder; holder = held.get(key)) {
        if (await endsWithin(holder, until - performance.now())) continue;
        throw new HoldfastError(
          "idempotency_in_flight",
          "Another upload with this Idempotency-Key is still running",
          { retryAfterSeconds: 2 },
        );
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(key, promise);
      return () => {
        held.delete(key);
        resolve();
      };
    },
  };
}
