import { clientLeft, HoldfastError } from "../../errors.ts";

const waitsKept = 1_024;
const windowMs = 60_000;

/** The value at `quantile` (0 to 1) of sorted numbers; 0 when there are none. */
function quantileOf(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}

interface Waiter<T> {
  grant(item: T): void;
  refuse(error: HoldfastError): void;
}

const shuttingDown = () =>
  new HoldfastError("shutting_down", "Holdfast is shutting down", { retryAfterSeconds: 2 });

/** Hands out a fixed set of items, first come first served, with a bounded queue and measured waits. */
export function createWaitQueue<T>(
  items: readonly T[],
  { waitingMax, what, now = () => performance.now() }: {
    waitingMax: number;
    what: string;
    now?: () => number;
  },
) {
  const free = [...items];
  const queue: Waiter<T>[] = [];
  const waits: { at: number; ms: number }[] = [];
  let closed = false;

  function note(ms: number): void {
    waits.push({ at: now(), ms });
    if (waits.length > waitsKept) waits.shift();
  }

  return {
    /** Waits at most `deadlineMs` for an item, and no longer than until `signal` aborts. */
    acquire(deadlineMs: number, signal?: AbortSignal): Promise<T> {
      if (closed) throw shuttingDown();
      if (signal?.aborted) throw clientLeft();
      const item = free.pop();
      if (item !== undefined) {
        note(0);
        return Promise.resolve(item);
      }
      if (queue.length >= waitingMax) {
        throw new HoldfastError("overloaded", `Too many requests wait for ${what}`, {
          retryAfterSeconds: 1,
        });
      }
      const since = now();
      return new Promise((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", leave);
          note(now() - since);
        };
        const giveUp = (error: HoldfastError) => {
          queue.splice(queue.indexOf(waiter), 1);
          waiter.refuse(error);
        };
        const leave = () => giveUp(clientLeft());
        const waiter: Waiter<T> = {
          grant(granted) {
            settle();
            resolve(granted);
          },
          refuse(error) {
            settle();
            reject(error);
          },
        };
        const timer = setTimeout(() => {
          giveUp(
            new HoldfastError("overloaded", `Cannot get ${what} in time: all are in use`, {
              retryAfterSeconds: 1,
            }),
          );
        }, deadlineMs);
        signal?.addEventListener("abort", leave);
        queue.push(waiter);
      });
    },
    release(item: T): void {
      const next = queue.shift();
      if (next) next.grant(item);
      else free.push(item);
    },
    close(): void {
      closed = true;
      for (const waiter of queue.splice(0)) {
        waiter.refuse(shuttingDown());
      }
    },
    stats() {
      const recent = waits.filter(({ at }) => at >= now() - windowMs).map(({ ms }) => ms);
      recent.sort((a, b) => a - b);
      const at = (quantile: number) => Math.round(quantileOf(recent, quantile) * 100) / 100;
      return {
        free: free.length,
        waiting: queue.length,
        waitMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      };
    },
  };
}
