/** What one call of a statement cost on average in some time. */
export interface CallCost {
  ms: number;
  rows: number;
  blocks: number;
  blocks_read: number;
  temp_blocks: number;
}

/** What of a call changed together with its cost; `before` and `after` are figures of one call. */
export interface Cause {
  kind: "more_rows" | "more_blocks" | "cache_misses" | "temp_files" | "waits";
  before: number;
  after: number;
}

/** A figure has changed when it is at least this many times what it was. */
const factor = 1.5;
/** Fewer blocks of a call do not explain its time. */
const blocksMin = 10;

const grew = (before: number, after: number, least: number) =>
  after - before >= least && after >= before * factor;

/**
 * Returns what explains that a call has become slower, from its own counters, likely causes first. More rows explain more
 * blocks. More blocks for as many rows are a worse plan, a missing index or bloat. More blocks read for as many blocks are
 * cache misses. If none of them grew, a call waits longer: for locks, for the disk or for the processor. Pure.
 */
export function causesOf(before: CallCost, after: CallCost): Cause[] {
  const cause = (kind: Cause["kind"], of: keyof CallCost): Cause => ({
    kind,
    before: before[of],
    after: after[of],
  });
  const moreRows = grew(before.rows, after.rows, 1);
  const moreBlocks = grew(before.blocks, after.blocks, blocksMin);
  // With as many more rows as blocks, the blocks are no cause of their own.
  const blocksBeyondRows = moreBlocks &&
    (!moreRows || before.rows === 0 ||
      after.blocks / Math.max(before.blocks, 1) > after.rows / before.rows * factor);
  const found = [
    ...grew(before.temp_blocks, after.temp_blocks, blocksMin)
      ? [cause("temp_files", "temp_blocks")]
      : [],
    ...moreRows ? [cause("more_rows", "rows")] : [],
    ...blocksBeyondRows ? [cause("more_blocks", "blocks")] : [],
    ...!moreBlocks && grew(before.blocks_read, after.blocks_read, blocksMin)
      ? [cause("cache_misses", "blocks_read")]
      : [],
  ];
  return found.length === 0 && after.ms >= before.ms * factor ? [cause("waits", "ms")] : found;
}
