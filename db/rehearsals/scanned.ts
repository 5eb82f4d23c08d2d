import type { Sql } from "../connection.ts";

/** A table that a plan scans: itself, or the partitioned table that it belongs to. */
export interface ScannedTable {
  /** The scanned relation. */
  relation: string;
  relation_schema: string;
  schema: string;
  name: string;
  is_partitioned: boolean;
  /** Key columns of each valid index that serves all rows; an expression is an empty name. */
  indexes: string[][];
}

/** Describes the tables that some relations are or belong to. */
export async function describeScanned(
  sql: Sql,
  relations: readonly { schema: string; relation: string }[],
): Promise<ScannedTable[]> {
  return [
    ...await sql<ScannedTable[]>`
      select
        c.relname as relation,
        cn.nspname as relation_schema,
        n.nspname as schema,
        t.relname as name,
        t.relkind = 'p' as is_partitioned,
        coalesce(
          (
            select jsonb_agg(
              array(
                select coalesce(a.attname::text, '')
                from unnest(i.indkey::int2[]) with ordinality as key (attnum, place)
                left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum
                where key.place <= i.indnkeyatts
                order by key.place
              )
            )
            from pg_index as i
            join pg_class as x on x.oid = i.indexrelid
            join pg_am as m on m.oid = x.relam
            where i.indrelid = t.oid and i.indisvalid and i.indpred is null and m.amname = 'btree'
          ),
          '[]'
        ) as indexes
      from unnest(
        ${relations.map(({ schema }) => schema)}::text[],
        ${relations.map(({ relation }) => relation)}::text[]
      ) as w (schema, name)
      join pg_namespace as cn on cn.nspname = w.schema
      join pg_class as c on c.relnamespace = cn.oid and c.relname = w.name
      join pg_class as t on t.oid = coalesce(pg_partition_root(c.oid), c.oid)
      join pg_namespace as n on n.oid = t.relnamespace`,
  ];
}
