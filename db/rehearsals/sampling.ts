import type { Walsender } from "../backups/walsender.ts";
import type { Sql } from "../connection.ts";
import { transferRows } from "../row_transfer.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

/** Encoding and locale of a database. */
export interface DatabaseForm {
  encoding: string;
  collate: string;
  ctype: string;
}

/** Reads encoding and locale of the current database. */
export async function readDatabaseForm(sql: Sql): Promise<DatabaseForm> {
  const [row] = await sql<DatabaseForm[]>`
    select
      pg_encoding_to_char(encoding) as encoding,
      datcollate as collate,
      datctype as ctype
    from pg_database
    where datname = current_database()`;
  return row ?? { encoding: "UTF8", collate: "C", ctype: "C" };
}

/** Creates the database of a copy, with locale C where this machine lacks production's. Returns whether it is the same. */
export async function createDatabase(
  sql: Sql,
  name: string,
  { encoding, collate, ctype }: DatabaseForm,
): Promise<{ sameLocale: boolean }> {
  const create = (locale: string, type: string) =>
    sql.unsafe(
      `create database ${quoteIdent(name)} template template0
        encoding ${quoteLiteral(encoding)}
        lc_collate ${quoteLiteral(locale)} lc_ctype ${quoteLiteral(type)}`,
    );
  // A new cluster's database postgres has another locale.
  await sql.unsafe(`drop database if exists ${quoteIdent(name)}`);
  try {
    await create(collate, ctype);
    return { sameLocale: true };
  } catch {
    await create("C", "C");
    return { sameLocale: false };
  }
}

/** A table of the production server. */
export interface SampledTable {
  /** Quoted, schema and name. */
  name: string;
  label: string;
  /** Quoted columns, without generated ones. */
  columns: string;
  bytes: number;
  rows: number;
  readable: boolean;
}

/** Assumed of tables that were never analysed. */
const assumedRowBytes = 100;

/**
 * Lists the tables, small ones first, without Holdfast's and the system's. A table that was never analysed, as small ones
 * are not by themselves, has no pages in the catalogue: its file is asked, unless it is locked, which would have to wait.
 */
export async function listTables(sql: Sql): Promise<SampledTable[]> {
  const rows = await sql<
    {
      schema: string;
      table: string;
      bytes: number;
      rows: number;
      readable: boolean;
      columns: string[];
    }[]
  >`
    select
      n.nspname as schema,
      c.relname as "table",
      case
        when c.relkind = 'p' then 0
        when c.relpages > 0 or c.oid = any (
          array(
            select l.relation
            from pg_locks as l
            where l.relation is not null and l.mode = 'AccessExclusiveLock' and l.granted
          )
        ) then greatest(c.relpages, 1)::float8 * current_setting('block_size')::int
        else coalesce(pg_relation_size(c.oid), 0)::float8
      end as bytes,
      greatest(c.reltuples, 0)::float8 as rows,
      has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable,
      array(
        select a.attname::text from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum
      ) as columns
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'holdfast')
      and n.nspname not like 'bench\\_%'
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    order by c.relpages, c.oid`;
  return rows.map((row) => ({
    name: quoteTable(row.schema, row.table),
    label: `${row.schema}.${row.table}`,
    columns: row.columns.map(quoteIdent).join(", "),
    bytes: row.bytes,
    rows: row.rows > 0 ? row.rows : row.bytes / assumedRowBytes,
    readable: row.readable,
  }));
}

/** Copies about `share` of a table's rows (0 to 1) from the production server into the copy, by blocks. */
export async function copySample(
  production: Walsender,
  copy: Sql,
  { name, columns }: SampledTable,
  share: number,
): Promise<void> {
  const part = share < 1 ? ` tablesample system (${(share * 100).toFixed(4)})` : "";
  await transferRows({
    reader: production,
    // "only" leaves out the rows of partitions and children, which are copied by themselves.
    from: `copy (select ${columns} from only ${name}${part}) to stdout`,
    sql: copy,
    into: `copy ${name} (${columns}) from stdin`,
  });
}

/** Gathers statistics and visibility maps of all tables, as autovacuum keeps them in production. */
export async function analyseAll(sql: Sql): Promise<void> {
  await sql.unsafe("vacuum (analyze)");
}
