import type { Sql } from "../connection.ts";
import { decodeForeign } from "../foreign_text.ts";
import type { Collector, VersionFacts } from "./collector.ts";
import facts from "./server/facts.sql" with { type: "text" };

/** Runs one of a collector's questions; returns its rows with foreign text decoded. */
export async function askCollector(
  sql: Sql,
  { foreign }: Pick<Collector, "foreign">,
  question: string,
): Promise<unknown[]> {
  const rows = [...await sql.unsafe(question)];
  return foreign ? decodeForeign(rows, foreign) as unknown[] : rows;
}

/** Reads only what questions are chosen by. */
export async function askVersions(sql: Sql): Promise<VersionFacts | undefined> {
  const [row] = await sql.unsafe<VersionFacts[]>(facts);
  return row;
}

/** Runs the cheapest query there is: it shows whether the server answers. */
export async function ping(sql: Sql): Promise<void> {
  await sql`select 1`;
}
