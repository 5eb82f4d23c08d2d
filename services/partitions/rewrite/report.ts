import type { RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";

/** A conversion or a drain as the API and the live channel tell it. */
export function rewriteReport(move: RewriteRow) {
  const { schema, table, blocks, next_block, spec, direct_xid: _xid, ...rest } = move;
  return {
    ...rest,
    failure: spec.failure ?? null,
    table: `${schema}.${table}`,
    progress: blocks === 0 ? 1 : Math.min(1, next_block / blocks),
    waits_for: move.phase === "cleaning" ? null : move.waits_for,
    undoable: move.phase === "swapped",
  };
}

export type RewriteReport = ReturnType<typeof rewriteReport>;
