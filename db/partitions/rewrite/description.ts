import type { LockedStatement, TableName } from "../ddl.ts";
import type { RewritePlan } from "./rewrites.ts";
import { analyzeStatement, copyStatement, lockWritersStatement, replayStatements } from "./rows.ts";

export interface DescribedStatement extends LockedStatement {
  phase: string;
  reason: string;
}

const text = ({ schema, table }: TableName) => `${schema}.${table}`;

/**
 * Returns the statements of every phase in their order, with their locks and reasons. `swapped` are the tables whose
 * readers and writers the swap keeps out.
 */
export function describeRewrite(
  { begin, spec }: RewritePlan,
  swapped: readonly TableName[] = [spec.source],
): DescribedStatement[] {
  const table = text(spec.source);
  const describe = (phase: string, reason: string, lock: string, statements: readonly string[]) =>
    statements.map((sql) => ({ phase, reason, sql, lock }));
  return [
    ...begin.map((statement) => ({
      ...statement,
      phase: "begin",
      reason: "creates the new table beside the old one and records changes; one transaction",
    })),
    ...describe(
      "copy",
      "once for each batch of blocks, each in its own transaction",
      `ACCESS SHARE on ${table}`,
      [copyStatement(spec, "FROM", "TO")],
    ),
    ...describe(
      "copy",
      "once, after the last batch: the planner has statistics of the new tables from the first query on",
      `SHARE UPDATE EXCLUSIVE on ${text(spec.shadow)}`,
      [analyzeStatement(spec)],
    ),
    ...describe(
      "replay",
      "applies the changes made meanwhile, in batches, until few are left",
      `ACCESS SHARE on ${table}`,
      replayStatements(spec, "N"),
    ),
    ...describe(
      "direct",
      "applies the last changes; from then on each write goes to both tables",
      `SHARE ROW EXCLUSIVE on ${table}`,
      [lockWritersStatement(spec), spec.direct],
    ),
    ...describe(
      "swap",
      "when both tables are equal and no older snapshot is left; one short transaction",
      `ACCESS EXCLUSIVE on ${swapped.map(text).join(", ")}`,
      spec.swap,
    ),
  ];
}
