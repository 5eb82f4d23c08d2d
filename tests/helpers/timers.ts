import type { Timers } from "../../lib/clock.ts";

/** Time that passes only when `pass` is called; what waits for it runs in its order. */
export function manualTimers() {
  let now = 0;
  const waiting = new Set<{ at: number; work: () => void }>();
  /** Lets everything run that waits for no time: a request that a test answers at once takes some microtasks. */
  const settled = () => new Promise<void>((done) => setTimeout(done, 0));
  const timers: Timers = {
    nowMs: () => now,
    after(ms, work) {
      const one = { at: now + ms, work };
      waiting.add(one);
      return () => void waiting.delete(one);
    },
  };
  return {
    timers,
    settled,
    waiting: () => waiting.size,
    async pass(ms: number): Promise<void> {
      const until = now + ms;
      await settled();
      for (;;) {
        const [next] = [...waiting].sort((a, b) => a.at - b.at);
        if (!next || next.at > until) break;
        waiting.delete(next);
        now = Math.max(now, next.at);
        next.work();
        await settled();
      }
      now = until;
    },
  };
}
