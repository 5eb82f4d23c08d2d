import { quoteTable } from "../../sql.ts";
import type { TableName } from "../ddl.ts";
import { suffixedName } from "../names.ts";

/** Tables and functions of a conversion. `log`, `forward` and `back` are quoted. */
export interface ConversionNames {
  plain: TableName;
  shadow: TableName;
  old: TableName;
  /** The default partition of the new table until the swap. */
  rest: TableName;
  /** The log of changed keys. */
  log: string;
  /** The trigger function on the plain table before the swap. */
  forward: string;
  /** The trigger function on the partitioned table after the swap. */
  back: string;
}

/** Returns the names that a conversion of the table with this oid uses. */
export function conversionNames({ schema, table }: TableName, oid: number): ConversionNames {
  const beside = (suffix: string) => ({ schema, table: suffixedName(table, suffix) });
  return {
    plain: { schema, table },
    shadow: beside("_holdfast_new"),
    old: beside("_holdfast_plain"),
    rest: beside("_holdfast_rest"),
    log: quoteTable("holdfast", `move_log_${oid}`),
    forward: quoteTable("holdfast", `move_${oid}`),
    back: quoteTable("holdfast", `move_back_${oid}`),
  };
}

/** Returns the tables that a drain creates or renames. */
export function drainNames(parent: TableName, defaultLeaf: TableName) {
  return {
    shadow: { schema: parent.schema, table: suffixedName(parent.table, "_holdfast_new") },
    rest: { schema: defaultLeaf.schema, table: suffixedName(defaultLeaf.table, "_holdfast_new") },
    old: { schema: defaultLeaf.schema, table: suffixedName(defaultLeaf.table, "_holdfast_old") },
  };
}

/** Returns the log of changed keys and the trigger function of a drain, quoted. */
export function drainCapture(defaultOid: number): { log: string; forward: string } {
  return {
    log: quoteTable("holdfast", `move_log_${defaultOid}`),
    forward: quoteTable("holdfast", `move_${defaultOid}`),
  };
}
