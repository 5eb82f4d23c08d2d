import type { Sql } from "../connection.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

const probe = "holdfast_probe";

/** The server's analysis of a statement with parameters. */
export interface Probed {
  /** Type names of $1, $2 … */
  types: string[];
  /** The generic plan, as EXPLAIN (VERBOSE, FORMAT JSON) returns it; null where there is none. */
  plan: unknown;
}

/**
 * Prepares a statement and explains its generic plan, which shows what each $n is compared with. Pruning is off, because it
 * would leave out partitions and the conditions on them. Throws the server's error for the statement.
 */
export async function probeStatement(sql: Sql, text: string): Promise<Probed> {
  await sql.unsafe(`prepare ${probe} as ${text}`);
  try {
    const [row] = await sql<{ types: string[] }[]>`
      select parameter_types::text[] as types from pg_prepared_statements where name = ${probe}`;
    const types = row?.types ?? [];
    return { types, plan: await explainGeneric(sql, types.length) };
  } finally {
    await sql.unsafe(`deallocate ${probe}`);
  }
}

async function explainGeneric(sql: Sql, count: number): Promise<unknown> {
  const values = count > 0 ? `(${Array.from({ length: count }, () => "null").join(", ")})` : "";
  await sql.unsafe(
    "set plan_cache_mode to force_generic_plan; set enable_partition_pruning to off",
  );
  try {
    const [row] = await sql.unsafe(
      `explain (verbose, format json) execute ${probe}${values}`,
    );
    return row?.["QUERY PLAN"] ?? null;
  } catch {
    // A statement that cannot be planned without values still has types.
    return null;
  } finally {
    await sql.unsafe("reset plan_cache_mode; reset enable_partition_pruning");
  }
}

/** Returns the plan of a statement without parameters, as EXPLAIN (FORMAT JSON) returns it. */
export async function explainPlan(
  sql: Sql,
  text: string,
  { analyse }: { analyse: boolean },
): Promise<unknown> {
  const options = analyse ? "analyze, buffers, timing off, verbose" : "verbose";
  const [row] = await sql.unsafe(`explain (${options}, format json) ${text}`);
  return row?.["QUERY PLAN"] ?? null;
}

/** Statistics of a column's values, as text. */
export interface ColumnStats {
  schema: string;
  table: string;
  column: string;
  type: string;
  rows: number;
  common: string[];
  common_shares: number[];
  /** Histogram bounds, in ascending order. */
  bounds: string[];
  /** n_distinct of pg_stats: negative for a share of all rows. */
  distinct: number;
}

/** A column that a parameter is compared with; the table may be any of these names. */
export interface ColumnPlace {
  column: string;
  tables: readonly { schema: string | null; name: string }[];
}

/** Returns the statistics of the column in the largest of the tables; undefined when none has it. */
export async function readColumnStats(
  sql: Sql,
  { column, tables }: ColumnPlace,
): Promise<ColumnStats | undefined> {
  if (tables.length === 0) return undefined;
  const [row] = await sql<(ColumnStats & { oid: number })[]>`
    with wanted as (
      select distinct to_regclass(
        case when w.schema is null then quote_ident(w.name)
          else quote_ident(w.schema) || '.' || quote_ident(w.name) end
      ) as oid
      from unnest(
        ${tables.map(({ schema }) => schema)}::text[],
        ${tables.map(({ name }) => name)}::text[]
      ) as w (schema, name)
    ), leaves as (
      select coalesce(t.relid, w.oid) as oid
      from wanted as w
      left join lateral pg_partition_tree(w.oid) as t on t.isleaf
      where w.oid is not null
    )
    select
      c.oid::int8::float8 as oid,
      n.nspname as schema,
      c.relname as "table",
      a.attname as "column",
      format_type(a.atttypid, a.atttypmod) as type,
      greatest(c.reltuples, 0)::float8 as rows,
      coalesce(s.most_common_vals::text::text[], '{}') as common,
      coalesce(s.most_common_freqs::float8[], '{}') as common_shares,
      coalesce(s.histogram_bounds::text::text[], '{}') as bounds,
      coalesce(s.n_distinct, 0)::float8 as distinct
    from leaves as l
    join pg_class as c on c.oid = l.oid and c.relkind in ('r', 'm')
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attname = ${column} and not a.attisdropped
    left join pg_stats as s
      on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
        and not s.inherited
    order by c.reltuples desc, c.oid
    limit 1`;
  if (!row) return undefined;
  if (row.common.length > 0 || row.bounds.length > 0) return row;
  // A small table or a type without an order has no statistics: some of its values are used.
  const values = await sql.unsafe<{ value: string }[]>(
    `select ${quoteIdent(row.column)}::text as value
    from ${quoteTable(row.schema, row.table)}
    where ${quoteIdent(row.column)} is not null
    limit 100`,
  );
  const common = values.map(({ value }) => value);
  return { ...row, common, common_shares: common.map(() => 1 / Math.max(1, common.length)) };
}

/** Returns a literal of a type: `cast('…' as type)`. */
export const castLiteral = (value: string | null, type: string): string =>
  `cast(${value === null ? "null" : quoteLiteral(value)} as ${type})`;
