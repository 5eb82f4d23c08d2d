/**
 * Many deadlines on one clock. A timer of its own for every wait costs a small upload as much as parsing it, and
 * almost none of them ever rings; these ring up to `everyMs` late.
 */
export function createAlarms({ everyMs = 100 }: { everyMs?: number } = {}) {
  const set = new Set<{ at: number; ring: () => void }>();
  let timer: ReturnType<typeof setInterval> | undefined;

  function check(): void {
    const now = performance.now();
    for (const alarm of set) {
      if (now < alarm.at) continue;
      set.delete(alarm);
      alarm.ring();
    }
    if (set.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    /** Rings once after `ms`, unless the answer was called before. */
    set(ms: number, ring: () => void): () => void {
      const alarm = { at: performance.now() + ms, ring };
      set.add(alarm);
      timer ??= setInterval(check, everyMs);
      return () => set.delete(alarm);
    },
  };
}

export type Alarms = ReturnType<typeof createAlarms>;
