import type { Sql } from "../../../db/connection.ts";
import { isUnreachable } from "../../../db/errors.ts";
import { probeStatement } from "../../../db/rehearsals/probe.ts";
import { explainStatement } from "../../../db/rehearsals/replay.ts";
import { describeScanned } from "../../../db/rehearsals/scanned.ts";
import { comparableShape, estimatedCost } from "../replay/plan_text.ts";
import type { Rehearsed } from "../replay/statements.ts";
import { type IndexCandidate, proposeIndexes, type ScannedStatement } from "./candidates.ts";
import { mendTypeWords } from "../workload/sql_text.ts";
import { findWastefulScans } from "./scans.ts";

/**
 * Reads the generic plan of each replayed statement, and finds the indexes that they lack by their executed plans on the
 * unchanged copy. `total` is the weight of all statements. Planning runs functions of the database, which only the copy's role may do safely: never the production server.
 */
export async function readPlans(
  sql: Sql,
  rehearsed: readonly Rehearsed[],
  { total, signal }: { total: number; signal: AbortSignal },
): Promise<IndexCandidate[]> {
  const statements: ScannedStatement[] = [];
  for (const one of rehearsed) {
    const { query, weight, variants } = one;
    signal.throwIfAborted();
    const share = total > 0 ? (weight ?? 0) / total : 0;
    try {
      const { plan: generic } = await probeStatement(sql, mendTypeWords(query));
      one.genericPlan = comparableShape(generic);
      one.genericCost = estimatedCost(generic);
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
