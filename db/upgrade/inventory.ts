import type { Sql } from "../connection.ts";

/** A table that holds rows itself; no partitioned table, no member of an extension. */
export interface StoredTable {
  schema: string;
  name: string;
  bytes: number;
  /** All columns, for a comparison. */
  columns: string[];
  /** Those that COPY may write: without the generated ones. */
  writable: string[];
}

/** A sequence and where it stands. */
export interface SequenceState {
  schema: string;
  name: string;
}

export const listTables = (sql: Sql): Promise<StoredTable[]> =>
  sql<StoredTable[]>`
    select
      n.nspname as schema,
      c.relname as name,
      pg_table_size(c.oid)::float8 as bytes,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where a.attnum > 0), '{}')
        as columns,
      coalesce(
        array_agg(a.attname::text order by a.attnum)
          filter (where a.attnum > 0 and a.attgenerated = ''),
        '{}'
      ) as writable
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'holdfast_upgrade')
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    group by n.nspname, c.relname, c.oid
    order by n.nspname, c.relname`;

export const listSequences = (sql: Sql): Promise<SequenceState[]> =>
  sql<SequenceState[]>`
    select
      n.nspname as schema,
      c.relname as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'S'
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    order by n.nspname, c.relname`;

/** Names what a database holds that this upgrade does not move; empty where it moves everything. */
export async function listObstacles(sql: Sql): Promise<string[]> {
  const rows = await sql<{ what: string }[]>`
    select format('%s large objects', count(*)) as what
    from pg_largeobject_metadata
    having count(*) > 0
    union all
    select format('the extension %s, which keeps settings in tables of its own', extname)
    from pg_extension
    where extconfig is not null
    union all
    select format('the subscription %s', subname)
    from pg_subscription
    where subdbid = (select oid from pg_database where datname = current_database())
    union all
    select format('the prepared transaction %s', gid)
    from pg_prepared_xacts
    where database = current_database()`;
  return rows.map(({ what }) => what);
}

export async function listExtensions(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select extname as name from pg_extension order by 1`;
  return rows.map(({ name }) => name);
}

export async function listAvailableExtensions(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`select name from pg_available_extensions`;
  return new Set(rows.map(({ name }) => name));
}

/**
 * Lists every object of a database in words that do not depend on oids or on the version: relations with their owners,
 * columns with their types, constraints (Postgres 18 lists NOT NULL among them, so those are left to the columns), indexes
 * with their validity, functions, triggers, policies, types and statistics.
 */
export async function listObjects(sql: Sql): Promise<string[]> {
  const rows = await sql<{ object: string }[]>`
    with own as (
      select oid, nspname
      from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'holdfast_upgrade')
    ), members as (
      select classid, objid from pg_depend where deptype = 'e'
    ), relations as (
      select c.*, n.nspname
      from pg_class as c
      join own as n on n.oid = c.relnamespace
      where (('pg_class'::regclass, c.oid) not in (select classid, objid from members))
    )
    select format('schema %I of %I', nspname, pg_get_userbyid(s.nspowner)) as object
    from own as n
    join pg_namespace as s using (oid, nspname)
    where nspname <> 'public'
    union all
    select format('relation %s %I.%I of %I', relkind, nspname, relname, pg_get_userbyid(relowner))
    from relations
    union all
    select format(
      'column %I.%I.%I %s %s %s %s default %s', r.nspname, r.relname, a.attname,
      format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.atthasdef)
    from relations as r
    join pg_attribute as a on a.attrelid = r.oid
    where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select format('partition %I.%I of %s', r.nspname, r.relname, i.inhparent::regclass)
    from relations as r
    join pg_inherits as i on i.inhrelid = r.oid
    union all
    select format(
      'constraint %I on %I.%I %s %s', k.conname, r.nspname, r.relname, k.contype, k.convalidated)
    from relations as r
    join pg_constraint as k on k.conrelid = r.oid
    where k.contype <> 'n'
    union all
    select format('index %I.%I on %s %s', r.nspname, r.relname, x.indrelid::regclass, x.indisvalid)
    from relations as r
    join pg_index as x on x.indexrelid = r.oid
    union all
    select format('trigger %I on %I.%I %s', t.tgname, r.nspname, r.relname, t.tgenabled)
    from relations as r
    join pg_trigger as t on t.tgrelid = r.oid
    where not t.tgisinternal
    union all
    select format('policy %I on %I.%I', p.polname, r.nspname, r.relname)
    from relations as r
    join pg_policy as p on p.polrelid = r.oid
    union all
    select format(
      'function %I.%I(%s) of %I', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
      pg_get_userbyid(p.proowner))
    from pg_proc as p
    join own as n on n.oid = p.pronamespace
    where ('pg_proc'::regclass, p.oid) not in (select classid, objid from members)
    union all
    select format('type %I.%I', n.nspname, t.typname)
    from pg_type as t
    join own as n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r', 'm')
      and ('pg_type'::regclass, t.oid) not in (select classid, objid from members)
    union all
    select format('statistics %I.%I', n.nspname, e.stxname)
    from pg_statistic_ext as e
    join own as n on n.oid = e.stxnamespace
    union all
    select format('extension %I', extname) from pg_extension
    union all
    select format('publication %I', pubname) from pg_publication
    union all
    select format('event trigger %I', evtname) from pg_event_trigger
    order by 1`;
  return rows.map(({ object }) => object);
}
