import { createHash } from "node:crypto";
import { resignStatement, type RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";

/** Version of the facts that are signed: raise it with each field that is added to them or read in another way. */
const version = 2;
const prefix = `${version}:`;

/** Returns a digest of the facts about a table, with their version. */
export function sign(facts: unknown): string {
  return prefix + createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/**
 * Returns what a rewrite waits for whose signature another version of Holdfast made. The two signatures cannot be compared,
 * and hours of copying are not discarded for that. Undefined for a signature of this version.
 */
export function waitForOtherVersion(
  { id, spec, started_at }: Pick<RewriteRow, "id" | "spec" | "started_at">,
  present: string,
): string | undefined {
  if (spec.signature.startsWith(prefix)) return undefined;
  const statement = resignStatement(id, present);
  return `an operator: another version of Holdfast planned it, and the two descriptions of the table cannot be compared. If nobody has altered the table since ${started_at}, run: ${statement}; else cancel it`;
}
