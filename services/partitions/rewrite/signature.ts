import { createHash } from "node:crypto";
import type { RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";
import { quoteLiteral } from "../../../db/sql.ts";

/** Of the facts a signature is made of: to be raised with each field that is added to them, or read otherwise. */
const version = 2;
const prefix = `${version}:`;

/** Signs what is known of a table, with the version of that knowledge. */
export function sign(known: unknown): string {
  return prefix + createHash("sha256").update(JSON.stringify(known)).digest("hex");
}

/**
 * What a move waits for whose signature another version of Holdfast made: the two cannot be compared, and hours of
 * copying are not given up for that. Undefined for a signature of this version.
 */
export function waitOfAnother(
  { id, spec, started_at }: Pick<RewriteRow, "id" | "spec" | "started_at">,
  present: string,
): string | undefined {
  if (spec.signature.startsWith(prefix)) return undefined;
  const value = quoteLiteral(JSON.stringify(present));
  return `somebody: another version of Holdfast planned it, and what was known of the table cannot be compared. If nobody has altered the table since ${started_at}, run: update holdfast.partition_moves set spec = jsonb_set(spec, '{signature}', ${value}) where id = ${id}; else cancel it`;
}
