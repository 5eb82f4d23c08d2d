import type { Sql } from "../../db/connection.ts";

/** All that the catalogue says of a table and of what hangs on it, in an order and in words that do not depend on oids. */
export async function fingerprint(sql: Sql, table: string): Promise<Record<string, unknown>> {
  const [row] = await sql`
    with t as (select c.* from pg_class as c where c.oid = ${table}::regclass)
    select json_build_object(
      'owner', pg_get_userbyid(t.relowner),
      'persistence', t.relpersistence,
      'acl', ${acl(sql, "r", "t.relacl", "t.relowner")},
      'options', (
        select array_agg(o order by o) from (
          select unnest(t.reloptions) as o
          union all
          select 'toast.' || unnest(s.reloptions) from pg_class as s where s.oid = t.reltoastrelid
        ) as options),
      'tablespace', (select spcname from pg_tablespace where oid = t.reltablespace),
      'row_security', array[t.relrowsecurity, t.relforcerowsecurity],
      'replica_identity', t.relreplident,
      'comment', obj_description(t.oid, 'pg_class'),
      'columns', (
        select json_object_agg(a.attname, json_build_object(
          'type', format_type(a.atttypid, a.atttypmod),
          'not_null', a.attnotnull,
          'collation', a.attcollation,
          'storage', a.attstorage,
          'compression', a.attcompression,
          'statistics', nullif(a.attstattarget, -1),
          'options', a.attoptions,
          'identity', a.attidentity,
          'generated', a.attgenerated,
          'default', pg_get_expr(d.adbin, d.adrelid),
          'acl', ${acl(sql, "c", "a.attacl", "t.relowner")},
          'comment', col_description(t.oid, a.attnum)
        ) order by a.attname)
        from pg_attribute as a
        left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped),
      'constraints', (
        select json_object_agg(k.conname, json_build_object(
          'definition', pg_get_constraintdef(k.oid),
          'validated', k.convalidated,
          'enforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true),
          'comment', obj_description(k.oid, 'pg_constraint')
        ) order by k.conname)
        from pg_constraint as k
        where k.conrelid = t.oid),
      'indexes', (
        select json_object_agg(c.relname, json_build_object(
          'definition', substr(pg_get_indexdef(c.oid), strpos(pg_get_indexdef(c.oid), ' USING ')),
          'options', c.reloptions,
          'tablespace', (select spcname from pg_tablespace where oid = c.reltablespace),
          'flags', array[x.indisunique, x.indisvalid, x.indisclustered, x.indisreplident, x.indisprimary],
          'comment', obj_description(c.oid, 'pg_class'),
          'owner', pg_get_userbyid(c.relowner),
          'statistics', (
            select json_agg(nullif(a.attstattarget, -1) order by a.attnum) from pg_attribute as a where a.attrelid = c.oid)
        ) order by c.relname)
        from pg_index as x
        join pg_class as c on c.oid = x.indexrelid
        where x.indrelid = t.oid),
      'triggers', (
        select json_object_agg(g.tgname, json_build_array(
          pg_get_triggerdef(g.oid), g.tgenabled, obj_description(g.oid, 'pg_trigger')) order by g.tgname)
        from pg_trigger as g
        where g.tgrelid = t.oid and not g.tgisinternal and g.tgname not like 'holdfast_move%'),
      'statistics', (
        select json_object_agg(e.stxname, json_build_object(
          'definition', split_part(
            substr(pg_get_statisticsobjdef(e.oid), length(format('CREATE STATISTICS %I.%I', n.nspname, e.stxname)) + 1), ' FROM ', 1),
          'target', nullif(e.stxstattarget, -1),
          'comment', obj_description(e.oid, 'pg_statistic_ext'),
          'owner', pg_get_userbyid(e.stxowner)
        ) order by e.stxname)
        from pg_statistic_ext as e
        join pg_namespace as n on n.oid = e.stxnamespace
        where e.stxrelid = t.oid),
      'sequences', (
        select json_object_agg(s.relname, json_build_object(
          'owner', pg_get_userbyid(s.relowner),
          'acl', ${acl(sql, "s", "s.relacl", "s.relowner")},
          'comment', obj_description(s.oid, 'pg_class'),
          'options', (
            select json_build_array(q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle)
            from pg_sequence as q where q.seqrelid = s.oid)
        ) order by s.relname)
        from pg_depend as d
        join pg_class as s on s.oid = d.objid and s.relkind = 'S'
        where d.classid = 'pg_class'::regclass and d.refobjid = t.oid and d.deptype in ('a', 'i'))
    ) as print
    from t`;
  return row?.print;
}

/** Rights that are not there by default, whoever gave them. */
function acl(sql: Sql, kind: "r" | "c" | "s", list: string, owner: string) {
  return sql.unsafe(`(
    select array_agg(
      case when e.grantee = 0 then 'public' else pg_get_userbyid(e.grantee) end || ' ' || e.privilege_type
        || case when e.is_grantable then '*' else '' end
      order by 1)
    from aclexplode(coalesce(${list}, acldefault('${kind}', ${owner}))) as e)`);
}
