import { readServerSettings } from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import type { Environment } from "../run.ts";

/** What the figures depend on: the server's settings, and the machine this process sees. */
export async function readEnvironment(sql: Sql): Promise<Environment> {
  return {
    ...await readServerSettings(sql),
    client_runtime: navigator.userAgent,
    client_cpus: navigator.hardwareConcurrency,
  };
}
