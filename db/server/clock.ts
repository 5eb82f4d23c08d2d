import type { Sql } from "../connection.ts";

/**
 * The time by which records are deleted for their age, in milliseconds since 1970: the server's, but no more than a day
 * past the last rotation made under clocks that agreed. A clock that jumps ahead deletes nothing by it.
 */
export async function readTrustedMs(sql: Sql): Promise<number> {
  const [row] = await sql<{ ms: number }[]>`
    select (extract(epoch from holdfast.trusted_now()) * 1000)::float8 as ms`;
  if (!row) throw new Error("The server did not tell its time");
  return row.ms;
}
