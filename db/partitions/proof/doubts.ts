import type { Sql } from "../../connection.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../../sql.ts";
import { unprepared } from "../../unprepared.ts";
import type { TableName } from "../ddl.ts";

/** A constraint that existing rows may break and that a new partition would enforce on its rows. */
export interface Doubt {
  name: string;
  /** SQLSTATE of a row that breaks it. */
  sqlstate: string;
  /** Condition on the alias s for the rows that break it. */
  broken: string;
  definition: string;
}

/**
 * Lists the constraints of a table that are enforced but not validated: NOT NULL (from 18 on), CHECK, foreign keys.
 * LIKE copies them as valid ones.
 */
export async function listDoubts(sql: Sql, oid: number): Promise<Doubt[]> {
  return await sql<Doubt[]>`
    select
      k.conname as name,
      case k.contype when 'n' then '23502' when 'c' then '23514' else '23503' end as sqlstate,
      case k.contype
        when 'n' then (
          select format('s.%I is null', a.attname)
          from pg_attribute as a
          where a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        )
        when 'c' then format('(%s) is false', pg_get_expr(k.conbin, k.conrelid))
        else (
          select format(
            '%s and not exists (select 1 from %s as r where %s)',
            case when k.confmatchtype = 'f'
              then format('not (%s)', string_agg(format('s.%I is null', a.attname), ' and '))
              else string_agg(format('s.%I is not null', a.attname), ' and ')
            end,
            k.confrelid::regclass,
            string_agg(format('r.%I = s.%I', b.attname, a.attname), ' and ')
          )
          from unnest(k.conkey, k.confkey) as pair (here, there)
          join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = pair.here
          join pg_attribute as b on b.attrelid = k.confrelid and b.attnum = pair.there
        )
      end as broken,
      pg_get_constraintdef(k.oid) as definition
    from pg_constraint as k
    where k.conrelid = ${oid}::int8::oid
      and k.contype in ('n', 'c', 'f')
      and not k.convalidated
      -- The column is there from 18 on.
      and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
    order by 1`;
}

/** Finds the first constraint that some row of a range breaks; reads at most `most` rows. */
export async function findBroken(
  sql: Sql,
  { schema, table }: TableName,
  doubts: readonly Doubt[],
  { column, from, to, most }: {
    column: string;
    from: string | null;
    to: string | null;
    most: number;
  },
): Promise<string | null> {
  if (doubts.length === 0) return null;
  const name = sql.unsafe(quoteIdent(column));
  const cases = doubts.map(({ name, broken }) => `when ${broken} then ${quoteLiteral(name)}`);
  const [row] = await unprepared(sql<{ name: string }[]>`
    select found.name
    from (
      select case ${sql.unsafe(cases.join(" "))} end as name
      from (
        select *
        from only ${sql.unsafe(quoteTable(schema, table))}
        where ${name} is not null
          ${from === null ? sql`` : sql`and ${name} >= ${from}`}
          ${to === null ? sql`` : sql`and ${name} < ${to}`}
        limit ${most}
      ) as s
    ) as found
    where found.name is not null
    limit 1`);
  return row?.name ?? null;
}
