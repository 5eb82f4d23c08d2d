import type { Sql } from "../../connection.ts";

/** A publication that a table is in, or that new tables of its schema would be in. */
export interface Publication {
  name: string;
  /** It names the table (or one that it is a partition of), its schema, Holdfast's schema, or is for all tables. */
  kind: "table" | "schema" | "holdfast" | "all";
  /** publish_via_partition_root: rows of partitions are sent under the name of the partitioned table. */
  via_root: boolean;
}

/** Says whether the server has publications by schema (Postgres 15 and later). */
async function hasSchemas(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    select to_regclass('pg_catalog.pg_publication_namespace') is not null as found`;
  return row?.found === true;
}

/** Returns the publications of a table; none when there is no such table. */
export async function listPublications(
  sql: Sql,
  { schema, table }: { schema: string; table: string },
): Promise<Publication[]> {
  const bySchema = await hasSchemas(sql);
  return await sql<Publication[]>`
    with recursive self as (
      select c.oid, c.relnamespace
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = ${schema} and c.relname = ${table}
    ),
    family as (
      select oid from self
      union all
      select i.inhparent from pg_inherits as i join family as f on f.oid = i.inhrelid
    )
    select p.pubname as name, 'table' as kind, p.pubviaroot as via_root
    from pg_publication_rel as m
    join pg_publication as p on p.oid = m.prpubid
    where m.prrelid in (select oid from family)
    union
    select p.pubname, 'all', p.pubviaroot
    from pg_publication as p
    where p.puballtables and exists (select from self)
    ${
    bySchema
      ? sql`
        union
        select
          p.pubname,
          case when m.pnnspid = self.relnamespace then 'schema' else 'holdfast' end,
          p.pubviaroot
        from self
        join pg_publication_namespace as m
          on m.pnnspid in (self.relnamespace, to_regnamespace('holdfast'))
        join pg_publication as p on p.oid = m.pnpubid`
      : sql``
  }
    order by kind, name`;
}

/** Returns the subscriptions of this database that write to a table; they refer to it by its oid. */
export async function listSubscriptions(sql: Sql, oid: number): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select s.subname as name
    from pg_subscription_rel as r
    join pg_subscription as s on s.oid = r.srsubid
    where r.srrelid = ${oid}::int8::oid
    order by 1`;
  return rows.map(({ name }) => name);
}

/** Returns the number of triggers that fire for each row written to a table. */
export async function countRowTriggers(sql: Sql, oid: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::float8 as n
    from pg_trigger
    where tgrelid = ${oid}::int8::oid and not tgisinternal and tgtype & 1 = 1 and tgenabled <> 'D'`;
  return row?.n ?? 0;
}

/** A publication that includes Holdfast's own tables, and who receives it. */
export interface OwnPublication {
  name: string;
  /** Null: the publication is for all tables. */
  schema: string | null;
  /** Logical slots of this database, through which a subscriber may read it. */
  slots: string[];
}

/** Returns the publications that include Holdfast's schemas, or would once they exist. */
export async function listOwnPublications(sql: Sql): Promise<OwnPublication[]> {
  const bySchema = await hasSchemas(sql);
  return await sql<OwnPublication[]>`
    select found.*, array(
      select s.slot_name
      from pg_replication_slots as s
      where s.slot_type = 'logical' and s.plugin = 'pgoutput' and s.database = current_database()
      order by 1
    )::text[] as slots
    from (
      select p.pubname as name, null::text as schema
      from pg_publication as p
      where p.puballtables
      ${
    bySchema
      ? sql`
          union all
          select p.pubname, n.nspname
          from pg_publication_namespace as m
          join pg_publication as p on p.oid = m.pnpubid
          join pg_namespace as n on n.oid = m.pnnspid
          where n.nspname in ('market', 'holdfast')`
      : sql``
  }
    ) as found
    order by found.name`;
}

/** Returns one line on which of Holdfast's own tables a publication sends, and to whom. */
export function describeOwnPublication({ name, schema, slots }: OwnPublication): string {
  const read = slots.length === 0
    ? "a subscriber would stop"
    : `logical slots read this database (${
      slots.slice(0, 5).join(", ")
    }): a subscriber that lacks them stops`;
  return `the publication "${name}" ${
    schema === null ? "is for all tables" : `holds the schema ${schema}`
  }, Holdfast's own too, and ${read} at their first row`;
}
