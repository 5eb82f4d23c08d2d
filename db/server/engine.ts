import type { Config } from "../../config/config.ts";
import { askVersions } from "../collectors/ask.ts";
import type { VersionFacts } from "../collectors/collector.ts";
import type { Sql } from "../connection.ts";
import { StartError } from "../../errors.ts";

/** What a database is served by, as the collector `server` finds it, and which node of Citus this is. */
export interface EngineFacts {
  engine: VersionFacts["engine"];
  /** The version of the extension; null on plain Postgres. */
  version: string | null;
  /** Null where the server is no node of Citus, or this role may not read which. */
  node: "coordinator" | "worker" | null;
}

/** Reads the engine of the database of a session. Waits for no lock. */
export async function readEngine(sql: Sql): Promise<EngineFacts> {
  const engine = (await askVersions(sql))?.engine ?? "postgres";
  if (engine === "postgres") return { engine, version: null, node: null };
  const [found] = await sql<{ version: string }[]>`
    select extversion as version from pg_extension where extname = ${engine}`;
  const node = engine === "citus" ? await readNode(sql) : null;
  return { engine, version: found?.version ?? null, node };
}

/** Citus keeps the group of a node in pg_catalog; that of the coordinator is 0. */
async function readNode(sql: Sql): Promise<EngineFacts["node"]> {
  const [catalogue] = await sql<{ readable: boolean }[]>`
    select coalesce(
      has_table_privilege(to_regclass('pg_catalog.pg_dist_local_group'), 'select'), false
    ) as readable`;
  if (!catalogue?.readable) return null;
  const [group] = await sql<{ coordinates: boolean }[]>`
    select groupid = 0 as coordinates from pg_catalog.pg_dist_local_group`;
  return group ? (group.coordinates ? "coordinator" : "worker") : null;
}

const named: Record<EngineFacts["engine"], string> = {
  postgres: "Postgres without Citus and TimescaleDB",
  citus: "Citus",
  timescaledb: "TimescaleDB",
};

/** Returns in one sentence why Holdfast does not start on a server of this engine; undefined when it does. Pure. */
export function whyNotEngine(
  { engine, node }: EngineFacts,
  wanted: Config["HOLDFAST_ENGINE"],
): string | undefined {
  if (node === "worker") {
    return "This server is a worker of Citus, and Holdfast runs on the coordinator only: " +
      "let DATABASE_URL name the coordinator";
  }
  if (wanted === "auto" || wanted === engine) return undefined;
  return `HOLDFAST_ENGINE is ${wanted}, and the database is ${
    named[engine]
  }: let DATABASE_URL name another database, ` +
    (wanted === "postgres"
      ? `or set HOLDFAST_ENGINE to auto or ${engine}`
      : `run create extension ${wanted} in this one, or set HOLDFAST_ENGINE to auto`);
}

/** Throws a StartError where Holdfast does not start on the server of a session. */
export async function refuseEngine(sql: Sql, wanted: Config["HOLDFAST_ENGINE"]): Promise<void> {
  const reason = whyNotEngine(await readEngine(sql), wanted);
  if (reason !== undefined) throw new StartError(reason);
}
