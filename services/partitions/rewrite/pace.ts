import type { RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";

/** A batch should take about this long: it blocks nobody, but a transaction holds back vacuum. */
const batchMs = 250;
const blocksMax = 2_048;
/** Longest that a swap may hold its lock. */
const swapMs = { drain: 90, convert: 400 };
/** After so many slow swaps the limit grows by once its value: a server may never reach the first limit. */
const slowSwapsMax = 12;

export const firstBatchBlocks = 64;

/** Returns how many blocks the next batch copies, after one of `blocks` took `ms`. At most doubles. */
export function nextBatchBlocks(blocks: number, ms: number): number {
  const factor = Math.min(2, batchMs / Math.max(ms, 1));
  return Math.max(1, Math.min(blocksMax, Math.round(blocks * factor)));
}

/** Returns how long a swap may hold its lock after so many that took too long; milliseconds. */
export function swapLimitMs(kind: RewriteRow["kind"], slowSwaps: number): number {
  return swapMs[kind] * (1 + Math.floor(slowSwaps / slowSwapsMax));
}
