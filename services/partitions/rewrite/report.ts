import type { RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";

/** Returns a conversion or a drain as the API and the live channel show it. */
export function rewriteReport(rewrite: RewriteRow) {
  const { schema, table, blocks, next_block, spec, direct_xid: _xid, outcome: _outcome, ...rest } =
    rewrite;
  return {
    ...rest,
    failure: spec.failure ?? null,
    table: `${schema}.${table}`,
    progress: blocks === 0 ? 1 : Math.min(1, next_block / blocks),
    undoable: rewrite.phase === "swapped",
  };
}

export type RewriteReport = ReturnType<typeof rewriteReport>;
