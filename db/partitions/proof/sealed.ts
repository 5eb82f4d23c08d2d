import { and, eq, getTableColumns, isNotNull, isNull, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded } from "../../records/conditions.ts";
import { recordsIn } from "../../records/records.ts";
import { sealRecords } from "../../records/schema.ts";
import { quoteIdent, quoteTable } from "../../sql.ts";
import { utcText } from "../../utc_text.ts";
import type { LockedStatement, TableName } from "../ddl.ts";
import { leafValues, type RecordedLeaf } from "../records/leaf.ts";

const rowTrigger = "holdfast_sealed";
const truncateTrigger = "holdfast_sealed_truncate";

/** Returns what makes a leaf refuse every write, also under session_replication_role = replica. */
export function sealStatements({ schema, table }: TableName): LockedStatement[] {
  const leaf = quoteTable(schema, table);
  const lock = `SHARE ROW EXCLUSIVE on ${schema}.${table} alone`;
  return [
    {
      sql: `create or replace trigger ${rowTrigger} before insert or update or delete on ${leaf} ` +
        "for each row execute function holdfast.refuse_sealed()",
      lock,
    },
    {
      sql: `create or replace trigger ${truncateTrigger} before truncate on ${leaf} ` +
        "for each statement execute function holdfast.refuse_sealed()",
      lock,
    },
    { sql: `alter table ${leaf} enable always trigger ${quoteIdent(rowTrigger)}`, lock },
    { sql: `alter table ${leaf} enable always trigger ${quoteIdent(truncateTrigger)}`, lock },
  ];
}

/** Returns the last vacuum of a leaf: frozen rows need no further one, whatever the transaction counter does. */
export function vacuumStatement({ schema, table }: TableName): LockedStatement {
  return {
    sql: `vacuum (freeze, analyze) ${quoteTable(schema, table)}`,
    lock: `SHARE UPDATE EXCLUSIVE on ${schema}.${table} alone`,
  };
}

export function unsealStatements({ schema, table }: TableName): LockedStatement[] {
  const leaf = quoteTable(schema, table);
  return [rowTrigger, truncateTrigger].map((name) => ({
    sql: `drop trigger if exists ${name} on ${leaf}`,
    lock: `ACCESS EXCLUSIVE on ${schema}.${table} alone`,
  }));
}

const { begun_at, manifest, ended_at, outcome, ...listed } = getTableColumns(sealRecords);
const { schema, table, leaf_name, leaf_oid, sealed_at, held_until, verified_at } = listed;

export type SealedRow =
  & Omit<
    typeof sealRecords.$inferSelect,
    "begun_at" | "manifest" | "ended_at" | "outcome"
  >
  & {
    /** The table that has this oid now; null when it is gone. */
    present: { schema: string; table: string } | null;
    /** It was unsealed: it is not sealed again before held_until. */
    ended: boolean;
    /** Whether both triggers exist and are enabled. */
    guarded: boolean;
  };

const utcOf = ({ name }: { name: string }) => sqlText<string | null>`${sqlText.raw(utcText(name))}`;

/** Returns what is sealed or being sealed, without the manifests. Waits for no lock. */
export async function listSealed(sql: Sql): Promise<SealedRow[]> {
  return await recordsIn(sql)
    .select({
      ...listed,
      // As text of the server: a verification holds in any style of the session.
      sealed_at: utcOf(sealed_at),
      held_until: utcOf(held_until),
      verified_at: utcOf(verified_at),
      present: sqlText<SealedRow["present"]>`(
        select json_build_object('schema', n.nspname, 'table', c.relname)
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = ${leaf_oid}
      )`,
      ended: sqlText<boolean>`${ended_at} is not null`,
      guarded: sqlText<boolean>`(
        select count(*) = 2
        from pg_trigger as t
        where t.tgrelid = ${leaf_oid} and t.tgname in (${rowTrigger}, ${truncateTrigger}) and t.tgenabled = 'A'
      )`,
    })
    .from(sealRecords)
    .where(
      sqlText`${ended_at} is null or ${outcome} = 'unsealed' and ${held_until} is not null`,
    )
    .orderBy(sqlText`${ended_at} nulls last`, schema, table, leaf_name);
}

/** The record of a leaf that is sealed or being sealed. */
const openSeal = (oid: number) => and(eq(leaf_oid, oid), isNull(ended_at));

/** Records that a leaf is about to be sealed; the next run continues an interrupted seal. */
export async function beginSeal(
  sql: Sql,
  { at, ...leaf }: RecordedLeaf & { at: Date },
): Promise<void> {
  await recordsIn(sql).insert(sealRecords)
    .values({
      ...leafValues(leaf),
      begun_at: at.toISOString(),
    })
    .onConflictDoUpdate({
      target: leaf_oid,
      // Not qualified: the predicate of an index knows no name of its table.
      targetWhere: sqlText`ended_at is null`,
      set: { ...excluded({ begun_at }), sealed_at: null, manifest: null, problem: null },
    });
}

/** Keeps the manifest: from here on the leaf is sealed. */
export async function finishSeal(
  sql: Sql,
  { oid, manifest, at, heldUntil }: {
    oid: number;
    manifest: object;
    at: Date;
    heldUntil?: Date | undefined;
  },
): Promise<void> {
  await recordsIn(sql).update(sealRecords)
    .set({
      sealed_at: at.toISOString(),
      manifest,
      held_until: heldUntil?.toISOString() ?? null,
    })
    .where(openSeal(oid));
}

/** Returns the stored manifest of a sealed leaf; undefined when it is not sealed. */
export async function readManifest(sql: Sql, oid: number): Promise<unknown> {
  const [row] = await recordsIn(sql).select({ manifest }).from(sealRecords)
    .where(and(openSeal(oid), isNotNull(sealed_at)));
  return row?.manifest;
}

/** Records that a leaf was unsealed; it is not sealed again before `heldUntil`. */
export async function endSeal(sql: Sql, oid: number, at: Date, heldUntil: Date): Promise<void> {
  await recordsIn(sql).update(sealRecords)
    .set({
      ended_at: at.toISOString(),
      outcome: "unsealed",
      held_until: heldUntil.toISOString(),
    })
    .where(openSeal(oid));
}

/** Records what a verification found; null: no difference. */
export async function recordVerified(
  sql: Sql,
  oid: number,
  problem: string | null,
  at: Date,
): Promise<void> {
  await recordsIn(sql).update(sealRecords).set({ verified_at: at.toISOString(), problem })
    .where(openSeal(oid));
}
