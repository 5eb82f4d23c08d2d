import { sql } from "drizzle-orm";
import type { RecordsDb, RecordsSession } from "../records/records.ts";
import { ruleRecords } from "../records/schema.ts";

/** The levels of a rule that were changed at run time. */
export type RuleChanges = Pick<typeof ruleRecords.$inferSelect, "name" | "changes">;

const ruleColumns = { name: ruleRecords.name, changes: ruleRecords.changes };

/** Returns the levels of rules that were changed at run time. */
export async function listRuleChanges(db: RecordsDb): Promise<RuleChanges[]> {
  return await db.run((own) => own.select(ruleColumns).from(ruleRecords));
}

/**
 * Saves the changed levels of rules, all or none. With `isExpected`, only where it accepts the stored ones. Returns
 * whether they were saved.
 */
export async function saveRuleChanges(
  db: RecordsDb,
  changes: ReadonlyMap<string, unknown>,
  isExpected?: (present: readonly RuleChanges[]) => boolean,
): Promise<boolean> {
  const rows = [...changes].map(([name, changes]) => ({ name, changes }));
  if (rows.length === 0) return true;
  const write = (own: RecordsSession) =>
    own.insert(ruleRecords).values(rows).onConflictDoUpdate({
      target: ruleRecords.name,
      set: { changes: sql`excluded.changes`, updated_at: new Date() },
    });
  if (!isExpected) {
    await db.run(write);
    return true;
  }
  return await db.run(async (own) => {
    await own.execute(sql`lock table ${ruleRecords} in share row exclusive mode`);
    if (!isExpected(await own.select(ruleColumns).from(ruleRecords))) return false;
    await write(own);
    return true;
  }, { inTransaction: true });
}
