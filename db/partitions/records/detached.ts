import { and, eq, getTableColumns, inArray, isNull, or, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded } from "../../records/conditions.ts";
import { recordsIn } from "../../records/records.ts";
import { detachedRecords, sealRecords } from "../../records/schema.ts";
import { leafValues, type RecordedLeaf } from "./leaf.ts";

const { planned_at, ended_at, outcome: _outcome, ...listed } = getTableColumns(detachedRecords);
const { id, leaf_schema, leaf_name, leaf_oid, bound, action, detached_at, within_brake } = listed;

export type DetachedRow =
  & Omit<typeof detachedRecords.$inferSelect, "planned_at" | "ended_at" | "outcome">
  & {
    present_oid: number | null;
    attached: boolean | null;
    /** The table is attached to a parent, under any name. */
    still_leaf: boolean;
    /** The table exists, under any name. */
    exists: boolean;
    references: string[];
    referenced_by: string[];
    bytes: number;
    rows_estimate: number | null;
  };

/** At most so many leaves that stay detached are listed, the newest. */
const keptMax = 500;

/** Returns the other tables that foreign keys lead to, or from which they come. */
const keysOf = (own: "conrelid" | "confrelid", other: "conrelid" | "confrelid") => {
  const [ownOid, otherOid] = [own, other].map((name) => sqlText.raw(`f.${name}`));
  // A key of a table to itself is listed once, as one that leads from it.
  return sqlText<string[]>`array(
    select distinct format('%I.%I', n.nspname, r.relname)
    from pg_constraint as f
    join pg_class as r on r.oid = ${otherOid}
    join pg_namespace as n on n.oid = r.relnamespace
    where ${ownOid} = ${leaf_oid} and f.contype = 'f'
      and (${own === "conrelid"}::bool or ${otherOid} <> ${leaf_oid})
  )::text[]`;
};

/** Returns the leaves that retention detached and that are not moved or dropped yet, with the tables of their names. */
export async function listDetached(sql: Sql): Promise<DetachedRow[]> {
  const db = recordsIn(sql);
  const kept = db.select({ id }).from(detachedRecords)
    .where(and(isNull(ended_at), eq(action, "detach")))
    .orderBy(sqlText`${id} desc`).limit(keptMax);
  return await db
    .select({
      ...listed,
      present_oid: sqlText<number | null>`c.oid::int8::float8`,
      attached: sqlText<boolean>`exists (select from pg_inherits as i where i.inhrelid = c.oid)`,
      still_leaf: sqlText<
        boolean
      >`exists (select from pg_inherits as i where i.inhrelid = ${leaf_oid})`,
      exists: sqlText<boolean>`exists (select from pg_class as k where k.oid = ${leaf_oid})`,
      references: keysOf("conrelid", "confrelid"),
      referenced_by: keysOf("confrelid", "conrelid"),
      bytes: sqlText<
        number
      >`coalesce(c.relpages, 0)::float8 * current_setting('block_size')::float8`,
      rows_estimate: sqlText<
        number | null
      >`case when c.reltuples < 0 then null else c.reltuples::float8 end`,
    })
    .from(detachedRecords)
    .leftJoin(sqlText`pg_namespace as s`, sqlText`s.nspname = ${leaf_schema}`)
    .leftJoin(
      sqlText`pg_class as c`,
      sqlText`c.relnamespace = s.oid and c.relname = ${leaf_name}`,
    )
    .where(and(
      isNull(ended_at),
      or(sqlText`${action} <> 'detach'`, inArray(id, kept)),
    ))
    .orderBy(id);
}

/** Records that a detach begins, so that after a crash the next run knows its purpose. */
export async function rememberDetach(
  sql: Sql,
  { action: wanted, withinBrake, at, ...leaf }: RecordedLeaf & {
    action: string;
    /** It is detached without a confirmation, among the usual number of leaves. */
    withinBrake: boolean;
    at: Date;
  },
): Promise<void> {
  await recordsIn(sql).insert(detachedRecords)
    .values({
      ...leafValues(leaf),
      action: wanted,
      within_brake: withinBrake,
      planned_at: at.toISOString(),
    })
    .onConflictDoUpdate({
      target: leaf_oid,
      // Not qualified: the predicate of an index knows no name of its table.
      targetWhere: sqlText`ended_at is null`,
      set: { ...excluded({ action, within_brake, bound, planned_at }), detached_at: null },
    });
}

/**
 * Updates the records of detached leaves by the catalogue. Ends the records of leaves that are gone or attached again, and
 * of detaches that never happened. With `trusted`, starts the cool-down of finished detaches at `at`, and restarts those
 * dated by a clock that was ahead; under a clock that is far behind, a cool-down would be over as soon as the clock is
 * right. Returns how many have started.
 */
export async function reconcileDetached(
  sql: Sql,
  { at, trusted }: { at: Date; trusted: boolean },
): Promise<number> {
  const db = recordsIn(sql);
  const now = at.toISOString();
  const leafIs = (more: string) =>
    sqlText`exists (select from pg_inherits as i where i.inhrelid = ${leaf_oid}${
      sqlText.raw(more)
    })`;
  await db.update(detachedRecords).set({ ended_at: now, outcome: "gone" })
    .where(and(
      isNull(ended_at),
      sqlText`not exists (select from pg_class as c where c.oid = ${leaf_oid})`,
    ));
  // If such a record stayed, an operator's own detach would later be taken for retention's.
  await db.update(detachedRecords)
    .set({
      ended_at: now,
      outcome:
        sqlText`case when ${detached_at} is null then 'not detached' else 'attached again' end`,
    })
    .where(and(isNull(ended_at), leafIs(" and not i.inhdetachpending")));
  if (!trusted) return 0;
  const begun = await db.update(detachedRecords).set({ detached_at: now })
    .where(and(
      isNull(ended_at),
      or(
        isNull(detached_at),
        sqlText`${detached_at} > ${now}::timestamptz + interval '1 minute'`,
      ),
      sqlText`not ${leafIs("")}`,
    ))
    .returning({ id });
  return begun.length;
}

export async function endDetached(
  sql: Sql,
  ended: string,
  outcome: string,
  at: Date,
): Promise<void> {
  const db = recordsIn(sql);
  const end = { ended_at: at.toISOString(), outcome };
  await db.update(detachedRecords).set(end).where(eq(id, ended));
  if (outcome !== "dropped") return;
  const dropped = db.select({ leaf_oid }).from(detachedRecords).where(eq(id, ended));
  await db.update(sealRecords).set(end)
    .where(and(inArray(sealRecords.leaf_oid, dropped), isNull(sealRecords.ended_at)));
}
