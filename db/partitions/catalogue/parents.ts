import type { Sql } from "../../connection.ts";
import { findHypertables, type HypertablePart } from "../../timescale/hypertables.ts";
import type { ColumnSetting } from "../ddl.ts";
import { hasCitus, isDistributed } from "./storage.ts";

export interface ForeignKeyRow {
  name: string;
  schema: string;
  table: string;
  column: string | null;
}

/** A table that has a policy, as the catalogue describes it. */
export interface ParentRow {
  oid: number;
  schema: string;
  table: string;
  kind: string;
  /** 'r' for range; null when it is not partitioned. */
  strategy: string | null;
  /** Absent unless TimescaleDB keeps it: signatures hold this row. */
  hypertable?: HypertablePart;
  has_expressions: boolean;
  default_oid: number | null;
  key_columns: string[];
  key_type: string | null;
  columns: string[];
  owner: string;
  role: string;
  is_owner: boolean;
  owns: boolean;
  may_create: boolean;
  /**
   * Whether the owner may create tables in the schema, which `owner to` requires, and whether this role may give it tables.
   */
  owner_may_create: boolean;
  gives: boolean;
  default_grants: boolean;
  owner_lacks: string[];
  column_settings: ColumnSetting[];
  extended_statistics: boolean;
  grants: { grantee: string; privileges: string[]; grantable: boolean; column: string | null }[];
  replica_identity: "d" | "f" | "n" | "i";
  tablespace: string | null;
  access_method: string | null;
  row_security: boolean;
  force_row_security: boolean;
  distributed: boolean;
  references: ForeignKeyRow[];
  referenced_by: ForeignKeyRow[];
}

// Columns of the query below; `c` is the table's row of pg_class, `n` its schema, `p` its row of pg_partitioned_table.

/** Selects the partition key and the table's columns. */
const keyColumns = (sql: Sql) =>
  sql`
  array(
    select a.attname
    from unnest(string_to_array(p.partattrs::text, ' ')::int2[]) with ordinality as k (num, at)
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.num
    order by k.at
  )::text[] as key_columns,
  (
    select format_type(a.atttypid, null)
    from pg_attribute as a
    where a.attrelid = c.oid
      and a.attnum = (string_to_array(p.partattrs::text, ' ')::int2[])[1]
  ) as key_type,
  array(
    select a.attname
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by a.attnum
  )::text[] as columns`;

/** Selects owner and role, and what the role may do; `owner_lacks` are privileges that the owner revoked from itself. */
const ownership = (sql: Sql) =>
  sql`
  pg_get_userbyid(c.relowner) as owner,
  current_user::text as role,
  pg_get_userbyid(c.relowner) = current_user as is_owner,
  pg_has_role(c.relowner, 'usage') as owns,
  has_schema_privilege(n.oid, 'create') as may_create,
  -- A superuser needs no privilege.
  has_schema_privilege(c.relowner, n.oid, 'create')
    or (select r.rolsuper from pg_roles as r where r.rolname = current_user) as owner_may_create,
  pg_has_role(
    c.relowner, case when current_setting('server_version_num')::int4 < 160000 then 'member' else 'set' end
  ) as gives,
  exists (
    select from pg_default_acl as d
    where d.defaclobjtype = 'r' and d.defaclnamespace in (0, n.oid)
      and d.defaclrole = (select r.oid from pg_roles as r where r.rolname = current_user)
  ) as default_grants,
  array(
    select lower(e.privilege_type)
    from aclexplode(acldefault('r', c.relowner)) as e
    where c.relacl is not null and e.privilege_type not in (
      select own.privilege_type from aclexplode(c.relacl) as own where own.grantee = c.relowner
    )
    order by 1
  )::text[] as owner_lacks`;

/** Selects extended statistics, and the settings of columns that LIKE does not copy. */
const columnSettings = (sql: Sql) =>
  sql`
  exists (select from pg_statistic_ext as e where e.stxrelid = c.oid) as extended_statistics,
  coalesce((
    select json_agg(json_build_object(
      'column', a.attname,
      'statistics', nullif(a.attstattarget, -1),
      'options', coalesce(a.attoptions, '{}')) order by a.attnum)
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and (nullif(a.attstattarget, -1) is not null or a.attoptions is not null)
  ), '[]') as column_settings`;

/** Selects privileges of other roles on the table and its columns. */
const otherGrants = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'grantee', g.grantee, 'privileges', g.privileges, 'grantable', g.is_grantable, 'column', g.attname
    ) order by g.attname nulls first, g.grantee, g.is_grantable)
    from (
      select
        case when e.grantee = 0 then 'PUBLIC' else pg_get_userbyid(e.grantee) end as grantee,
        e.is_grantable,
        acl.attname,
        array_agg(lower(e.privilege_type) order by e.privilege_type) as privileges
      from (
        select null::name as attname, c.relacl as list
        union all
        select a.attname, a.attacl
        from pg_attribute as a
        where a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
      ) as acl
      cross join lateral aclexplode(acl.list) as e
      where e.grantee <> c.relowner
      group by e.grantee, e.is_grantable, acl.attname
    ) as g
  ), '[]') as grants`;

/** Selects foreign keys from and to the table. */
const foreignKeys = (sql: Sql) =>
  sql`
  coalesce((
    select json_agg(json_build_object(
      'name', f.conname, 'schema', rn.nspname, 'table', r.relname, 'column', null) order by f.conname)
    from pg_constraint as f
    join pg_class as r on r.oid = f.confrelid
    join pg_namespace as rn on rn.oid = r.relnamespace
    where f.conrelid = c.oid and f.contype = 'f'
      -- The rows that Postgres keeps for each partition of the table referred to.
      and not exists (select 1 from pg_constraint as up where up.oid = f.conparentid and up.conrelid = c.oid)
  ), '[]') as references,
  coalesce((
    select json_agg(json_build_object(
      'name', f.conname, 'schema', rn.nspname, 'table', r.relname, 'column', (
        select a.attname
        from unnest(f.conkey, f.confkey) as pair (here, there)
        join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = pair.here
        where pair.there = (string_to_array(p.partattrs::text, ' ')::int2[])[1]
      )) order by f.conname)
    from pg_constraint as f
    join pg_class as r on r.oid = f.conrelid
    join pg_namespace as rn on rn.oid = r.relnamespace
    where f.confrelid = c.oid and f.contype = 'f' and f.conparentid = 0
  ), '[]') as referenced_by`;

/** Reads the named tables that exist. Waits for no lock on them. */
export async function readParents(
  sql: Sql,
  tables: readonly { schema: string; table: string }[],
): Promise<ParentRow[]> {
  const citus = await hasCitus(sql);
  const rows = await sql<ParentRow[]>`
    select
      c.oid::int8::float8 as oid,
      n.nspname as schema,
      c.relname as "table",
      c.relkind as kind,
      p.partstrat as strategy,
      coalesce(p.partexprs is not null, false) as has_expressions,
      nullif(p.partdefid, 0)::int8::float8 as default_oid,
      ${keyColumns(sql)},
      ${ownership(sql)},
      ${columnSettings(sql)},
      ${otherGrants(sql)},
      c.relreplident as replica_identity,
      ts.spcname as tablespace,
      am.amname as access_method,
      c.relrowsecurity as row_security,
      c.relforcerowsecurity as force_row_security,
      ${isDistributed(sql, citus)} as distributed,
      ${foreignKeys(sql)}
    from unnest(
      ${tables.map(({ schema }) => schema)}::text[],
      ${tables.map(({ table }) => table)}::text[]
    ) as wanted (schema, "table")
    join pg_namespace as n on n.nspname = wanted.schema
    join pg_class as c on c.relnamespace = n.oid and c.relname = wanted."table"
    left join pg_partitioned_table as p on p.partrelid = c.oid
    left join pg_tablespace as ts on ts.oid = c.reltablespace
    left join pg_am as am on am.oid = c.relam
    where c.relkind in ('r', 'p', 'f', 'v', 'm')`;
  const plain = rows.filter(({ kind }) => kind === "r").map(({ oid }) => oid);
  const hypertables = await findHypertables(sql, plain);
  return rows.map((row) => {
    const hypertable = hypertables.get(row.oid);
    return hypertable ? { ...row, hypertable } : row;
  });
}
