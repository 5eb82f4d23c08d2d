import type { Sql } from "../connection.ts";

/**
 * Returns the time by which records are deleted for their age, in milliseconds since 1970: the server's, but at most a day
 * after the last rotation during which the clocks agreed. A clock that jumps ahead does not cause deletions.
 */
export async function readTrustedMs(sql: Sql): Promise<number> {
  const [row] = await sql<{ ms: number }[]>`
    select (extract(epoch from holdfast.trusted_now()) * 1000)::float8 as ms`;
  if (!row) throw new Error("Cannot read the server's time: it returned no row");
  return row.ms;
}
