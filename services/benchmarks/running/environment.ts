import { readServerSettings } from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import type { Environment } from "../run.ts";

/** Returns what the figures depend on: the settings of the server, and the machine of this process. */
export async function readEnvironment(sql: Sql): Promise<Environment> {
  return {
    ...await readServerSettings(sql),
    client_runtime: navigator.userAgent,
    client_cpus: navigator.hardwareConcurrency,
  };
}
