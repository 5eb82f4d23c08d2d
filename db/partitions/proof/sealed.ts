import type { Sql } from "../../connection.ts";
import { quoteIdent, quoteTable } from "../../sql.ts";
import type { LockedStatement, TableName } from "../ddl.ts";
import { utcText } from "../../utc_text.ts";

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

export interface SealedRow {
  id: string;
  schema: string;
  table: string;
  leaf_schema: string;
  leaf_name: string;
  leaf_oid: number;
  bound: string;
  sealed_at: string | null;
  sealed_by: string;
  held_until: string | null;
  verified_at: string | null;
  problem: string | null;
  /** The table that has this oid now; null when it is gone. */
  present: { schema: string; table: string } | null;
  /** It was unsealed: it is not sealed again before held_until. */
  ended: boolean;
  /** Whether both triggers exist and are enabled. */
  guarded: boolean;
}

/** Returns what is sealed or being sealed, without the manifests. Waits for no lock. */
export async function listSealed(sql: Sql): Promise<SealedRow[]> {
  return await sql<SealedRow[]>`
    select
      s.id::text as id,
      s.schema_name as schema,
      s.table_name as "table",
      s.leaf_schema,
      s.leaf_name,
      s.leaf_oid::int8::float8 as leaf_oid,
      s.bound,
      ${sql.unsafe(utcText("s.sealed_at"))} as sealed_at,
      s.sealed_by,
      ${sql.unsafe(utcText("s.held_until"))} as held_until,
      ${sql.unsafe(utcText("s.verified_at"))} as verified_at,
      s.problem,
      s.ended_at is not null as ended,
      case when c.oid is null then null
        else json_build_object('schema', n.nspname, 'table', c.relname) end as present,
      (
        select count(*) = 2
        from pg_trigger as t
        where t.tgrelid = s.leaf_oid and t.tgname in (${rowTrigger}, ${truncateTrigger}) and t.tgenabled = 'A'
      ) as guarded
    from holdfast.sealed_partitions as s
    left join pg_class as c on c.oid = s.leaf_oid
    left join pg_namespace as n on n.oid = c.relnamespace
    where s.ended_at is null or s.outcome = 'unsealed' and s.held_until is not null
    order by s.ended_at nulls last, s.schema_name, s.table_name, s.leaf_name`;
}

/** Records that a leaf is about to be sealed; the next run continues an interrupted seal. */
export async function beginSeal(
  sql: Sql,
  { parent, leaf, oid, bound, at }: {
    parent: TableName;
    leaf: TableName;
    oid: number;
    bound: string;
    at: Date;
  },
): Promise<void> {
  await sql`
    insert into holdfast.sealed_partitions
      (schema_name, table_name, leaf_schema, leaf_name, leaf_oid, bound, begun_at)
    values (
      ${parent.schema}, ${parent.table}, ${leaf.schema}, ${leaf.table}, ${oid}::int8::oid, ${bound},
      ${at.toISOString()}::text::timestamptz
    )
    on conflict (leaf_oid) where ended_at is null do update set
      begun_at = excluded.begun_at, sealed_at = null, manifest = null, problem = null`;
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
  await sql`
    update holdfast.sealed_partitions
    set sealed_at = ${at.toISOString()}::text::timestamptz,
      manifest = ${JSON.stringify(manifest)}::text::jsonb,
      held_until = ${heldUntil?.toISOString() ?? null}::text::timestamptz
    where leaf_oid = ${oid}::int8::oid and ended_at is null`;
}

/** Returns the stored manifest of a sealed leaf; undefined when it is not sealed. */
export async function readManifest(sql: Sql, oid: number): Promise<unknown> {
  const [row] = await sql<{ manifest: unknown }[]>`
    select manifest
    from holdfast.sealed_partitions
    where leaf_oid = ${oid}::int8::oid and ended_at is null and sealed_at is not null`;
  return row?.manifest;
}

/** Records that a leaf was unsealed; it is not sealed again before `heldUntil`. */
export async function endSeal(sql: Sql, oid: number, at: Date, heldUntil: Date): Promise<void> {
  await sql`
    update holdfast.sealed_partitions
    set ended_at = ${at.toISOString()}::text::timestamptz, outcome = 'unsealed',
      held_until = ${heldUntil.toISOString()}::text::timestamptz
    where leaf_oid = ${oid}::int8::oid and ended_at is null`;
}

/** Records what a verification found; null: no difference. */
export async function recordVerified(
  sql: Sql,
  oid: number,
  problem: string | null,
  at: Date,
): Promise<void> {
  await sql`
    update holdfast.sealed_partitions
    set verified_at = ${at.toISOString()}::text::timestamptz, problem = ${problem}
    where leaf_oid = ${oid}::int8::oid and ended_at is null`;
}
