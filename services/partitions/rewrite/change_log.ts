import type { Sql } from "../../../db/connection.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import type { RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";

/** Writes one entry of the maintenance log for a step of a rewrite that took `ms`. */
export function logRewrite(
  sql: Sql,
  { kind, schema, table }: Pick<RewriteRow, "kind" | "schema" | "table">,
  what: string,
  ms: number,
  statements: readonly string[],
  error: string | null = null,
): Promise<void> {
  return logMaintenance(sql, [{
    action: `${kind} ${what}`,
    table: `${schema}.${table}`,
    partition: null,
    reason: kind === "convert" ? "online conversion" : "the default partition is drained",
    duration_ms: ms,
    error,
    sql: statements.join(";\n"),
  }]);
}
