import type { Sql } from "../../connection.ts";
import type { TableName } from "../ddl.ts";
import { listPublications, listSubscriptions } from "../catalogue/publications.ts";
import type { ConversionFacts } from "../catalogue/table_facts.ts";

// Columns of the query below, one function for each kind of object; `t` is the table's row of pg_class.

/** Selects the columns, in their order. */
const tableColumns = (sql: Sql) =>
  sql`
  (
    select json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, null), 'not_null', a.attnotnull,
      'identity', a.attidentity, 'generated', a.attgenerated <> '') order by a.attnum)
    from pg_attribute as a
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  ) as columns`;

/** Selects the constraints. */
const tableConstraints = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'name', k.conname, 'type', k.contype, 'definition', pg_get_constraintdef(k.oid),
      'columns', array(
        select a.attname
        from unnest(k.conkey) with ordinality as u (num, at)
        join pg_attribute as a on a.attrelid = t.oid and a.attnum = u.num
        order by u.at
      )::text[],
      'deferrable', k.condeferrable, 'validated', k.convalidated,
      'enforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true),
      'period', coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
      'comment', obj_description(k.oid, 'pg_constraint'),
      'references', case when k.confrelid <> 0 then k.confrelid::regclass::text end) order by k.conname)
    from pg_constraint as k
    where k.conrelid = t.oid
  ), '[]') as constraints`;

/** Selects the indexes. */
const tableIndexes = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'name', c.relname,
      'suffix', substr(
        pg_get_indexdef(c.oid),
        length(format(
          'CREATE %sINDEX %I ON %s%I.%I ', case when x.indisunique then 'UNIQUE ' else '' end,
          c.relname, case when t.relkind = 'p' then 'ONLY ' else '' end, t.nspname, t.relname
        )) + 1
      ),
      'comment', obj_description(c.oid, 'pg_class'),
      'options', coalesce(c.reloptions, '{}'),
      'clustered', x.indisclustered,
      'statistics', coalesce((
        select json_agg(json_build_object('column', a.attnum, 'target', a.attstattarget) order by a.attnum)
        from pg_attribute as a
        where a.attrelid = c.oid and nullif(a.attstattarget, -1) is not null
      ), '[]'),
      'unique', x.indisunique, 'valid', x.indisvalid, 'partial', x.indpred is not null,
      'columns', array(
        select case when u.num = 0 then null else (
          select a.attname from pg_attribute as a where a.attrelid = t.oid and a.attnum = u.num
        ) end
        from unnest(string_to_array(x.indkey::text, ' ')::int2[]) with ordinality as u (num, at)
        where u.at <= x.indnkeyatts
        order by u.at
      )::text[],
      'constraint', exists (
        select 1 from pg_constraint as k where k.conindid = c.oid and k.conrelid = t.oid and k.contype <> 'f'
      )) order by c.relname)
    from pg_index as x
    join pg_class as c on c.oid = x.indexrelid
    where x.indrelid = t.oid
  ), '[]') as indexes`;

/** Selects the triggers, Holdfast's own left out. */
const tableTriggers = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'name', g.tgname, 'definition', pg_get_triggerdef(g.oid), 'row', g.tgtype & 1 = 1,
      'transition', g.tgoldtable is not null or g.tgnewtable is not null,
      'constraint', g.tgconstraint <> 0, 'enabled', g.tgenabled,
      'comment', obj_description(g.oid, 'pg_trigger')) order by g.tgname)
    from pg_trigger as g
    where g.tgrelid = t.oid and not g.tgisinternal and g.tgname not like 'holdfast\_move%'
  ), '[]') as triggers`;

/** Selects the views and rules that read the table. */
const dependentViews = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'schema', v.nspname, 'name', v.relname, 'kind', v.relkind, 'definition', pg_get_viewdef(v.oid),
      'options', coalesce(v.reloptions, '{}'), 'owns', pg_has_role(v.relowner, 'usage')
    ) order by v.nspname, v.relname)
    from (
      select distinct c.oid, n.nspname, c.relname, c.relkind, c.reloptions::text[] as reloptions, c.relowner
      from pg_depend as d
      join pg_rewrite as r on r.oid = d.objid
      join pg_class as c on c.oid = r.ev_class
      join pg_namespace as n on n.oid = c.relnamespace
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = t.oid and c.oid <> t.oid
    ) as v
  ), '[]') as views`;

/** Selects the sequences of its serial and identity columns. */
const ownedSequences = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'schema', n.nspname, 'name', c.relname, 'column', a.attname, 'identity', d.deptype = 'i',
      'type', (select format_type(q.seqtypid, null) from pg_sequence as q where q.seqrelid = c.oid),
      'comment', obj_description(c.oid, 'pg_class'),
      'grants', coalesce((
        select json_agg(json_build_object(
          'grantee', case when e.grantee = 0 then 'PUBLIC' else pg_get_userbyid(e.grantee) end,
          'privilege', lower(e.privilege_type), 'grantable', e.is_grantable))
        from aclexplode(c.relacl) as e
        where e.grantee <> c.relowner
      ), '[]')
    ) order by c.relname)
    from pg_depend as d
    join pg_class as c on c.oid = d.objid and c.relkind = 'S'
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.refobjid = t.oid and d.deptype in ('a', 'i')
  ), '[]') as sequences`;

/** Selects the extended statistics. */
const extendedStatistics = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'schema', n.nspname, 'name', e.stxname,
      'body', substr(
        left(
          pg_get_statisticsobjdef(e.oid),
          length(pg_get_statisticsobjdef(e.oid)) - length(format(' FROM %I.%I', t.nspname, t.relname))
        ),
        length(format('CREATE STATISTICS %I.%I', n.nspname, e.stxname)) + 1
      ),
      'target', nullif(e.stxstattarget, -1),
      'comment', obj_description(e.oid, 'pg_statistic_ext')) order by e.stxname)
    from pg_statistic_ext as e
    join pg_namespace as n on n.oid = e.stxnamespace
    where e.stxrelid = t.oid
  ), '[]') as statistics`;

/** Selects what a conversion does not carry over: labels, extension, policies, rules. */
const unsupportedObjects = (sql: Sql) =>
  sql`
  (select count(*)::float8 from pg_seclabel as l where l.objoid = t.oid and l.classoid = 'pg_class'::regclass)
    as labels,
  (
    select x.extname
    from pg_depend as d
    join pg_extension as x on x.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = t.oid and d.deptype = 'e'
      and d.refclassid = 'pg_extension'::regclass
  ) as extension,
  (select count(*)::float8 from pg_policy as p where p.polrelid = t.oid) as policies,
  (select count(*)::float8 from pg_rewrite as r where r.ev_class = t.oid) as rules`;

/** Selects other objects that depend on the table or on its row type. */
const otherDependents = (sql: Sql) =>
  sql`
  array(
    select distinct pg_describe_object(d.classid, d.objid, 0)
    from pg_depend as d
    where (
        d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
        or d.refclassid = 'pg_type'::regclass and d.refobjid in (t.reltype, (
          select y.typarray from pg_type as y where y.oid = t.reltype and y.typarray <> 0
        ))
      )
      and not (d.classid = 'pg_class'::regclass and d.objid = t.oid)
      and not (d.classid = 'pg_type'::regclass and d.objid in (t.reltype, (
        select y.typarray from pg_type as y where y.oid = t.reltype
      )))
      and d.classid not in (
        'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_rewrite'::regclass, 'pg_trigger'::regclass,
        'pg_policy'::regclass, 'pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass
      )
      and not (d.classid = 'pg_class'::regclass and exists (
        select 1 from pg_class as c where c.oid = d.objid and (c.relkind in ('S', 'i', 'I', 't') or c.relispartition)
      ))
    order by 1
  )::text[] as dependents`;

/** Reads a table and the objects that belong to it. Definitions name schemas, whatever the session's path is. */
export async function readConversionFacts(
  sql: Sql,
  { schema, table }: TableName,
): Promise<ConversionFacts | undefined> {
  const [row] = await sql<Omit<ConversionFacts, "publications" | "subscriptions">[]>`
    with path as materialized (select set_config('search_path', '', true) as path),
    t as (
      select c.*, n.nspname
      from path
      cross join pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where path.path is not null and n.nspname = ${schema} and c.relname = ${table}
    )
    select
      t.oid::int8::float8 as oid,
      t.relkind as kind,
      t.relpersistence as persistence,
      t.relispartition as is_partition,
      exists (select 1 from pg_inherits as i where t.oid in (i.inhrelid, i.inhparent)) as inherits,
      t.reloftype <> 0 as typed,
      coalesce(t.reloptions, '{}')::text[] || array(
        select 'toast.' || o from pg_class as s cross join unnest(s.reloptions) as o where s.oid = t.reltoastrelid
      )::text[] as options,
      obj_description(t.oid, 'pg_class') as comment,
      pg_total_relation_size(t.oid)::float8 as bytes,
      nullif(t.reltuples, -1)::float8 as rows_estimate,
      ${tableColumns(sql)},
      ${tableConstraints(sql)},
      ${tableIndexes(sql)},
      ${tableTriggers(sql)},
      ${dependentViews(sql)},
      ${ownedSequences(sql)},
      ${extendedStatistics(sql)},
      ${unsupportedObjects(sql)},
      ${otherDependents(sql)}
    from t`;
  return row && {
    ...row,
    publications: await listPublications(sql, { schema, table }),
    subscriptions: await listSubscriptions(sql, row.oid),
  };
}

/** Returns how many objects depend on a table. Fast enough to be called under a lock. */
export async function countDependents(sql: Sql, { schema, table }: TableName): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::float8 as n
    from pg_depend as d
    join pg_class as c on c.oid = d.refobjid
    join pg_namespace as n on n.oid = c.relnamespace
    where d.refclassid = 'pg_class'::regclass and n.nspname = ${schema} and c.relname = ${table}`;
  return row?.n ?? 0;
}
