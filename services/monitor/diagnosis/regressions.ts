import { dropOldest } from "../../../lib/bounded.ts";
import { type CallCost, type Cause, causesOf } from "../statements/causes.ts";
import type { WorkById } from "./statement_deltas.ts";

/** A statement whose calls cost more than before. `since`: milliseconds since 1970. */
export interface Regression {
  query_id: string;
  metric: "mean_ms" | "blocks_per_call";
  before: number;
  after: number;
  ratio: number;
  since: number;
  /** What of a call changed with it, likely causes first. */
  causes: Cause[];
}

interface Window {
  startedAt: number;
  calls: number;
  ms: number;
  rows: number;
  blocks: number;
  blocks_read: number;
  temp_blocks: number;
}

interface Followed {
  /** The windows of the usual cost, oldest first. */
  usual: Window[];
  running: Window;
  /** When it last ran; milliseconds since 1970. */
  ranAt: number;
  found: Map<Regression["metric"], Regression & { windows: number; usual: CallCost }>;
}

const windowMs = 900_000;
const usualMax = 24;
/** Fewer windows give no usual cost. */
const usualMin = 3;
const callsMin = 20;
const followedMax = 1_000;
/** A regression is at least twice the median, and a quarter above the worst window. */
const beyondMedian = 2;
const beyondWorst = 1.25;
const backBelow = 1.3;
/** The least additional cost of a window; less does not matter. */
const extraMin = { mean_ms: 1_000, blocks_per_call: 10_000 };
/** Windows (six hours) after which the new cost is the usual one, and a statement that no longer runs costs nothing. */
const acceptedAfter = 24;

const costOf = (metric: Regression["metric"], { calls, ms, blocks }: Window) =>
  (metric === "mean_ms" ? ms : blocks) / calls;

const newWindow = (startedAt: number): Window => ({
  startedAt,
  calls: 0,
  ms: 0,
  rows: 0,
  blocks: 0,
  blocks_read: 0,
  temp_blocks: 0,
});

/** Returns the cost of one call in a window. */
const callCost = ({ calls, ms, rows, blocks, blocks_read, temp_blocks }: Window): CallCost => ({
  ms: ms / calls,
  rows: rows / calls,
  blocks: blocks / calls,
  blocks_read: blocks_read / calls,
  temp_blocks: temp_blocks / calls,
});

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Returns the usual cost of one call: the median of each figure. */
function usualCost(windows: readonly Window[]): CallCost {
  const costs = windows.map(callCost);
  const of = (figure: keyof CallCost) => median(costs.map((cost) => cost[figure]));
  return {
    ms: of("ms"),
    rows: of("rows"),
    blocks: of("blocks"),
    blocks_read: of("blocks_read"),
    temp_blocks: of("temp_blocks"),
  };
}

/** Follows the cost per call of each statement over windows of a quarter of an hour, and finds those that became more expensive. */
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
        present.causes = causesOf(present.usual, callCost(running));
        if (closing) present.windows++;
        if (after < present.before * backBelow || present.windows >= acceptedAfter) {
          found.delete(metric);
          if (present.windows >= acceptedAfter) one.usual = [];
        }
        continue;
      }
      const extra = (after - before) * running.calls;
      const isRegression = usual.length >= usualMin && before > 0 &&
        after > before * beyondMedian &&
        after > Math.max(...costs) * beyondWorst && extra > extraMin[metric];
      if (isRegression) {
        const usually = usualCost(usual);
        found.set(metric, {
          query_id: id,
          metric,
          before,
          after,
          ratio: after / before,
          since: running.startedAt,
          causes: causesOf(usually, callCost(running)),
          usual: usually,
          windows: 0,
        });
      }
    }
  }

  return {
    /** Adds the work done between the last call and `at` (milliseconds since 1970). */
    note(work: WorkById, at: number): void {
      for (const [id, done] of work) {
        let one = followed.get(id);
        if (!one) {
          dropOldest(followed, followedMax - 1);
          one = {
            usual: [],
            running: newWindow(at),
            ranAt: at,
            found: new Map(),
          };
        }
        // The map is in order of use, so that the first entry is the one to drop.
        followed.delete(id);
        followed.set(id, one);
        if (at - one.running.startedAt >= windowMs) {
          judge(id, one, true);
          if (one.found.size === 0 && one.running.calls >= callsMin) {
            one.usual = [...one.usual, one.running].slice(-usualMax);
          }
          one.running = newWindow(at);
        }
        one.ranAt = at;
        one.running.calls += done.calls;
        one.running.ms += done.total_ms;
        one.running.rows += done.rows;
        one.running.blocks += done.blocks_hit + done.blocks_read;
        one.running.blocks_read += done.blocks_read;
        one.running.temp_blocks += done.temp_blocks;
        judge(id, one, false);
      }
      for (const { ranAt, found } of followed.values()) {
        if (at - ranAt >= acceptedAfter * windowMs) found.clear();
      }
    },
    /** Returns the regressions, the greatest factor first. */
    found: (): Regression[] =>
      [...followed.values()]
        .flatMap(({ found }) => [...found.values()])
        .map(({ windows: _windows, usual: _usual, ...regression }) => regression)
        .sort((a, b) => b.ratio - a.ratio),
    forget: () => followed.clear(),
  };
}

export type Regressions = ReturnType<typeof createRegressions>;
