/**
 * Creates deadlines that share one interval timer. A timer per wait would cost as much as parsing a small upload, and almost
 * none of them expires. These expire up to `everyMs` late.
 */
export function createAlarms({ everyMs = 100 }: { everyMs?: number } = {}) {
  const set = new Set<{ at: number; expire: () => void }>();
  let timer: ReturnType<typeof setInterval> | undefined;

  function check(): void {
    const now = performance.now();
    for (const alarm of set) {
      if (now < alarm.at) continue;
      set.delete(alarm);
      alarm.expire();
    }
    if (set.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    /** Calls `expire` once after `ms`. Returns what cancels it. */
    set(ms: number, expire: () => void): () => void {
      const alarm = { at: performance.now() + ms, expire };
      set.add(alarm);
      timer ??= setInterval(check, everyMs);
      return () => set.delete(alarm);
    },
  };
}

export type Alarms = ReturnType<typeof createAlarms>;
