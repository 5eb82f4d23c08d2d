import { utcText } from "../../utc_text.ts";
import type { Sql } from "../../connection.ts";
import type { TableName } from "../ddl.ts";

export interface DetachedRow {
  id: string;
  schema: string;
  table: string;
  leaf_schema: string;
  leaf_name: string;
  leaf_oid: number;
  bound: string;
  action: string;
  detached_at: string | null;
  archived_at: string | null;
  within_brake: boolean;
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
}

/** At most so many leaves that stay detached are listed, the newest. */
const keptMax = 500;

/** Returns the leaves that retention detached and that are not moved or dropped yet, with the tables of their names. */
export async function listDetached(sql: Sql): Promise<DetachedRow[]> {
  return await sql<DetachedRow[]>`
    select
      d.id::text as id,
      d.schema_name as schema,
      d.table_name as "table",
      d.leaf_schema,
      d.leaf_name,
      d.leaf_oid::int8::float8 as leaf_oid,
      d.bound,
      d.action,
      ${sql.unsafe(utcText("d.detached_at"))} as detached_at,
      ${sql.unsafe(utcText("d.archived_at"))} as archived_at,
      d.within_brake,
      c.oid::int8::float8 as present_oid,
      exists (select 1 from pg_inherits as i where i.inhrelid = c.oid) as attached,
      exists (select 1 from pg_inherits as i where i.inhrelid = d.leaf_oid) as still_leaf,
      exists (select 1 from pg_class as k where k.oid = d.leaf_oid) as exists,
      array(
        select distinct format('%I.%I', n.nspname, r.relname)
        from pg_constraint as f
        join pg_class as r on r.oid = f.confrelid
        join pg_namespace as n on n.oid = r.relnamespace
        where f.conrelid = d.leaf_oid and f.contype = 'f'
      )::text[] as references,
      array(
        select distinct format('%I.%I', n.nspname, r.relname)
        from pg_constraint as f
        join pg_class as r on r.oid = f.conrelid
        join pg_namespace as n on n.oid = r.relnamespace
        where f.confrelid = d.leaf_oid and f.contype = 'f' and f.conrelid <> d.leaf_oid
      )::text[] as referenced_by,
      coalesce(c.relpages, 0)::float8 * current_setting('block_size')::float8 as bytes,
      case when c.reltuples < 0 then null else c.reltuples::float8 end as rows_estimate
    from holdfast.detached_partitions as d
    left join pg_namespace as s on s.nspname = d.leaf_schema
    left join pg_class as c on c.relnamespace = s.oid and c.relname = d.leaf_name
    where d.ended_at is null
      and (
        d.action <> 'detach'
        or d.id in (
          select k.id
          from holdfast.detached_partitions as k
          where k.ended_at is null and k.action = 'detach'
          order by k.id desc
          limit ${keptMax}
        )
      )
    order by d.id`;
}

/** Records that a detach begins, so that after a crash the next run knows its purpose. */
export async function rememberDetach(
  sql: Sql,
  { parent, leaf, oid, bound, action, withinBrake, at }: {
    parent: TableName;
    leaf: TableName;
    oid: number;
    bound: string;
    action: string;
    /** It is detached without a confirmation, among the usual number of leaves. */
    withinBrake: boolean;
    at: Date;
  },
): Promise<void> {
  await sql`
    insert into holdfast.detached_partitions
      (schema_name, table_name, leaf_schema, leaf_name, leaf_oid, bound, action, within_brake, planned_at)
    values (
      ${parent.schema}, ${parent.table}, ${leaf.schema}, ${leaf.table}, ${oid}::int8::oid, ${bound}, ${action},
      ${withinBrake},
      ${at.toISOString()}::text::timestamptz
    )
    on conflict (leaf_oid) where ended_at is null do update set
      action = excluded.action, within_brake = excluded.within_brake, bound = excluded.bound, planned_at = excluded.planned_at, detached_at = null`;
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
  const now = sql`${at.toISOString()}::text::timestamptz`;
  await sql`
    update holdfast.detached_partitions as d
    set ended_at = ${now}, outcome = 'gone'
    where ended_at is null and not exists (select 1 from pg_class as c where c.oid = d.leaf_oid)`;
  // If such a record stayed, an operator's own detach would later be taken for retention's.
  await sql`
    update holdfast.detached_partitions as d
    set ended_at = ${now}, outcome = case when detached_at is null then 'not detached' else 'attached again' end
    where ended_at is null
      and exists (
        select 1 from pg_inherits as i where i.inhrelid = d.leaf_oid and not i.inhdetachpending
      )`;
  if (!trusted) return 0;
  const begun = await sql`
    update holdfast.detached_partitions as d
    set detached_at = ${now}
    where ended_at is null
      and (detached_at is null or detached_at > ${now} + interval '1 minute')
      and not exists (select 1 from pg_inherits as i where i.inhrelid = d.leaf_oid)
    returning 1`;
  return begun.length;
}

export async function endDetached(
  sql: Sql,
  id: string,
  outcome: string,
  at: Date,
): Promise<void> {
  await sql`
    update holdfast.detached_partitions
    set ended_at = ${at.toISOString()}::text::timestamptz, outcome = ${outcome}
    where id = ${id}::text::int8`;
  if (outcome !== "dropped") return;
  await sql`
    update holdfast.sealed_partitions as s
    set ended_at = ${at.toISOString()}::text::timestamptz, outcome = ${outcome}
    from holdfast.detached_partitions as d
    where d.id = ${id}::text::int8 and s.leaf_oid = d.leaf_oid and s.ended_at is null`;
}
