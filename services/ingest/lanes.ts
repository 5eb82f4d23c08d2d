import { HoldfastError } from "../../errors.ts";

/** A bounded number of uploads at once, a bounded number waiting; the rest are told when to come back. */
export function createLanes({ lanes, waitingMax }: { lanes: number; waitingMax: number }) {
  let active = 0;
  const waiting: (() => void)[] = [];
  return {
    async enter(): Promise<() => void> {
      if (active >= lanes) {
        if (waiting.length >= waitingMax) {
          throw new HoldfastError("overloaded", "Too many uploads are waiting", {
            retryAfterSeconds: 1,
          });
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        active++;
      }
      let left = false;
      return () => {
        if (left) return;
        left = true;
        const next = waiting.shift();
        if (next) next();
        else active--;
      };
    },
    stats: () => ({ active, waiting: waiting.length }),
  };
}
