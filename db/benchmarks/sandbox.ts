import type { Sql } from "../connection.ts";
import { quoteIdent } from "../sql.ts";

/** Only schemas with such a name are ever dropped. */
const sandboxName = /^bench_[0-9a-f]{32}$/;

/** Returns the schema of a run: `bench_` and its id without dashes. */
export function sandboxOf(runId: string): string {
  const schema = `bench_${runId.replaceAll("-", "")}`;
  if (!sandboxName.test(schema)) throw new RangeError(`Cannot name a schema after run ${runId}`);
  return schema;
}

export async function createSandbox(sql: Sql, schema: string): Promise<void> {
  await sql.unsafe(`create schema ${quoteIdent(schema)}`);
}

/** Drops a run's schema with its contents, if it exists. */
export async function dropSandbox(sql: Sql, schema: string): Promise<void> {
  if (!sandboxName.test(schema)) throw new RangeError(`${schema} is not the schema of a benchmark`);
  await sql.unsafe(`drop schema if exists ${quoteIdent(schema)} cascade`);
}

/** Returns the schemas that runs use or have left behind. */
export async function listSandboxes(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select nspname as name from pg_namespace where nspname ~ ${sandboxName.source} order by nspname`;
  return rows.map(({ name }) => name);
}
