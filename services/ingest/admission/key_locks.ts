import { HoldfastError } from "../../../errors.ts";

/**
 * One upload at a time per idempotency key in this process: the second waits here, not in the database, where it
 * would hold up the group it is written with.
 */
export function createKeyTurns({ waitMs }: { waitMs: number }) {
  const running = new Map<string, Promise<void>>();
  return {
    /** Waits until nobody else here works under `key`; the answer lets the next one in. */
    async enter(key: string): Promise<() => void> {
      const until = performance.now() + waitMs;
      for (let other = running.get(key); other; other = running.get(key)) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<"late">((resolve) => {
          timer = setTimeout(() => resolve("late"), Math.max(0, until - performance.now()));
        });
        const turn = await Promise.race([other, late]);
        clearTimeout(timer);
        if (turn === "late") {
          throw new HoldfastError(
            "idempotency_in_flight",
            "An upload with this Idempotency-Key is still running",
            { retryAfterSeconds: 2 },
          );
        }
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      running.set(key, promise);
      return () => {
        running.delete(key);
        resolve();
      };
    },
  };
}
