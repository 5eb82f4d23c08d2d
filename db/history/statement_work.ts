import { type StatementWork, workFields } from "../collectors/statements/collectors.ts";
import type { Sql } from "../connection.ts";
import { CopyEncoder, copyIn } from "../copy.ts";
import { quoteTable } from "../sql.ts";
import { readRolledUntil } from "./rolled_until.ts";
import type { SampleTable } from "./leaves.ts";
import { noteRolledUp, type RollupRange } from "./samples.ts";

/** What one statement did from `at` on, in `seconds` that were observed; `at` in milliseconds since 1970. */
export interface StoredWork extends StatementWork {
  at: number;
  seconds: number;
}

/** The columns that are added up, in the order of the table. */
export const storedSums = ["seconds", ...workFields] as const;

const two32 = 2n ** 32n;

/** Inserts the work of minutes with one COPY. */
export async function insertStatementWork(
  sql: Sql,
  rows: readonly (StoredWork & { query_id: string })[],
): Promise<void> {
  const encoder = new CopyEncoder(rows.length * 120);
  for (const row of rows) {
    const id = BigInt.asUintN(64, BigInt(row.query_id));
    encoder.row(2 + storedSums.length);
    encoder.timestamp(Math.round(row.at) * 1000);
    encoder.int8(Number(id / two32), Number(id % two32));
    for (const name of storedSums) encoder.float4(row[name]);
  }
  await copyIn(
    sql,
    `copy holdfast.statements_1m (ts, query_id, ${
      storedSums.join(", ")
    }) from stdin (format binary)`,
    encoder.rows(),
  );
}

/**
 * Adds [from, to) of `source` up into buckets of `seconds`, and records that. A bucket keeps the `most` statements that took
 * the longest. Of a minute that two Holdfasts stored, the row that covers more counts. Needs a transaction.
 */
export async function rollUpStatementWork(
  sql: Sql,
  { table, source, seconds, from, to }: RollupRange,
  most: number,
): Promise<void> {
  await sql.unsafe(
    `insert into ${quoteTable("holdfast", table)} (ts, query_id, ${storedSums.join(", ")})
    select
      bucket,
      query_id,
      ${storedSums.join(",\n      ")}
    from (
      select
        bucket,
        query_id,
        ${storedSums.map((name) => `sum(${name}::float8)::float4 as ${name}`).join(",\n        ")},
        row_number() over (
          partition by bucket
          order by sum(total_ms::float8) desc, query_id
        ) as place
      from (
        select distinct on (ts, query_id)
          date_bin(make_interval(secs => $1), ts, timestamptz '1970-01-01T00:00:00Z') as bucket,
          query_id,
          ${storedSums.join(",\n          ")}
        from ${quoteTable("holdfast", source)}
        where ts >= $2::text::timestamptz and ts < $3::text::timestamptz
        order by ts, query_id, seconds desc
      ) as work
      group by bucket, query_id
    ) as ranked
    where place <= $4
    order by bucket, query_id`,
    [seconds, new Date(from).toISOString(), new Date(to).toISOString(), most],
  );
  await noteRolledUp(sql, table, to);
}

/**
 * Returns the work of a statement in [from, to] (milliseconds since 1970), oldest first. Reads `tables`, coarsest first: each
 * as far as it is rolled up, the rest from the next finer one.
 */
export async function readStatementWork(
  sql: Sql,
  queryId: string,
  { tables, from, to }: { tables: readonly SampleTable[]; from: number; to: number },
): Promise<StoredWork[]> {
  const done = await readRolledUntil(sql, tables);
  const finest = tables.at(-1);
  const found: StoredWork[] = [];
  let begin = from;
  for (const table of tables) {
    const until = done.get(table) ?? -Infinity;
    const end = table === finest ? to : Math.min(to, until - 1);
    if (end < begin) continue;
    found.push(
      ...await sql.unsafe<StoredWork[]>(
        `select distinct on (ts)
          extract(epoch from ts)::float8 * 1000 as at,
          ${storedSums.map((name) => `${name}::float8 as ${name}`).join(",\n          ")}
        from ${quoteTable("holdfast", table)}
        where query_id = $1::text::int8
          and ts >= $2::text::timestamptz
          and ts <= $3::text::timestamptz
        order by ts, seconds desc`,
        [queryId, new Date(begin).toISOString(), new Date(end).toISOString()],
      ),
    );
    begin = Math.max(begin, until);
  }
  return found;
}
