import type { Sql } from "../../../db/connection.ts";
import { isUnreachable } from "../../../db/errors.ts";
import { explainStatement } from "../../../db/rehearsals/replay.ts";
import { describeScanned } from "../../../db/rehearsals/scanned.ts";
import type { Rehearsed } from "../replay/statements.ts";
import { type IndexCandidate, proposeIndexes, type ScannedStatement } from "./candidates.ts";
import { findWastefulScans } from "./scans.ts";

/**
 * Finds indexes that replayed statements lack, from their executed plans on the unchanged copy. `total` is the weight of all
 * statements. Planning runs functions of the database, which only the copy's role may do safely: never the production server.
 */
export async function searchCandidates(
  sql: Sql,
  rehearsed: readonly Rehearsed[],
  { total, signal }: { total: number; signal: AbortSignal },
): Promise<IndexCandidate[]> {
  const statements: ScannedStatement[] = [];
  for (const { query, weight, variants } of rehearsed) {
    signal.throwIfAborted();
    const share = total > 0 ? (weight ?? 0) / total : 0;
    try {
      const plan = await explainStatement(sql, variants[0] ?? query, { analyse: true });
      statements.push({ query, share, scans: findWastefulScans(plan) });
    } catch (error) {
      // EXPLAIN may take longer than the statement's timeout allows.
      signal.throwIfAborted();
      if (isUnreachable(error)) throw error;
    }
  }
  const scans = statements.flatMap((one) => one.scans);
  return scans.length > 0 ? proposeIndexes(statements, await describeScanned(sql, scans)) : [];
}
