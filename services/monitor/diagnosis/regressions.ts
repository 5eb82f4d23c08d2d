import type { WorkById } from "./statement_deltas.ts";

/** A statement that costs more per call than it did. Times are milliseconds since 1970. */
export interface Regression {
  query_id: string;
  metric: "mean_ms" | "blocks_per_call";
  before: number;
  after: number;
  ratio: number;
  since: number;
}

interface Window {
  startedAt: number;
  calls: number;
  ms: number;
  blocks: number;
}

interface Followed {
  /** Windows that count as usual, oldest first. */
  usual: Window[];
  running: Window;
  found: Map<Regression["metric"], Regression & { windows: number }>;
}

const windowMs = 900_000;
const usualMax = 24;
/** Fewer say nothing of what is usual. */
const usualMin = 3;
const callsMin = 20;
const followedMax = 1_000;
/** At least twice the usual, and a quarter above the worst that was usual. */
const beyondMedian = 2;
const beyondWorst = 1.25;
const backBelow = 1.3;
/** What it costs more in a window: less is not worth anybody's time. */
const extraMin = { mean_ms: 1_000, blocks_per_call: 10_000 };
/** After six hours the new cost is the usual one. */
const acceptedAfter = 24;

const costOf = (metric: Regression["metric"], { calls, ms, blocks }: Window) =>
  (metric === "mean_ms" ? ms : blocks) / calls;

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Follows what each statement costs per call over windows of a quarter of an hour, and tells those that got dearer. Pure but for its memory. */
export function createRegressions() {
  const followed = new Map<string, Followed>();

  function judge(id: string, one: Followed, closing: boolean): void {
    const { usual, running, found } = one;
    if (running.calls < callsMin) return;
    for (const metric of ["mean_ms", "blocks_per_call"] as const) {
      const costs = usual.map((window) => costOf(metric, window));
      const before = median(costs);
      const after = costOf(metric, running);
      const present = found.get(metric);
      if (present) {
        present.after = after;
        present.ratio = after / present.before;
        if (closing) present.windows++;
        if (after < present.before * backBelow || present.windows >= acceptedAfter) {
          found.delete(metric);
          if (present.windows >= acceptedAfter) one.usual = [];
        }
        continue;
      }
      const extra = (after - before) * running.calls;
      const dearer = usual.length >= usualMin && before > 0 && after > before * beyondMedian &&
        after > Math.max(...costs) * beyondWorst && extra > extraMin[metric];
      if (dearer) {
        found.set(metric, {
          query_id: id,
          metric,
          before,
          after,
          ratio: after / before,
          since: running.startedAt,
          windows: 0,
        });
      }
    }
  }

  return {
    /** Adds what was done until `at` (milliseconds since 1970), since the call before. */
    note(work: WorkById, at: number): void {
      for (const [id, done] of work) {
        let one = followed.get(id);
        if (!one) {
          const oldest = followed.keys().next().value;
          if (followed.size >= followedMax && oldest !== undefined) followed.delete(oldest);
          one = {
            usual: [],
            running: { startedAt: at, calls: 0, ms: 0, blocks: 0 },
            found: new Map(),
          };
        }
        // The last used last, so that the first is the one to forget.
        followed.delete(id);
        followed.set(id, one);
        if (at - one.running.startedAt >= windowMs) {
          judge(id, one, true);
          if (one.found.size === 0 && one.running.calls >= callsMin) {
            one.usual = [...one.usual, one.running].slice(-usualMax);
          }
          one.running = { startedAt: at, calls: 0, ms: 0, blocks: 0 };
        }
        one.running.calls += done.calls;
        one.running.ms += done.total_ms;
        one.running.blocks += done.blocks_hit + done.blocks_read;
        judge(id, one, false);
      }
    },
    /** Those that are dearer now, the greatest factor first. */
    found: (): Regression[] =>
      [...followed.values()]
        .flatMap(({ found }) => [...found.values()])
        .map(({ windows: _windows, ...regression }) => regression)
        .sort((a, b) => b.ratio - a.ratio),
    forget: () => followed.clear(),
  };
}

export type Regressions = ReturnType<typeof createRegressions>;
