import { existsSync } from "node:fs";
import type { Sql } from "../../../db/connection.ts";

const program = "/usr/bin/prometheus-postgres-exporter";

/** Path of Debian's exporter; undefined when it is not installed. */
export const exporterPath = existsSync(program) ? program : undefined;

/** Starts the exporter with default settings and a role that can read all statistics. */
export async function startExporter(
  sql: Sql,
  { directory, database }: { directory: string; database: string },
) {
  const role = "exporter_bench";
  // The embedded server asks for one.
  const password = crypto.randomUUID();
  await sql.unsafe(`create role ${role} login password '${password}' in role pg_monitor`);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const child = new Deno.Command(program, {
    args: [`--web.listen-address=127.0.0.1:${port}`, "--log.level=error"],
    clearEnv: true,
    env: {
      DATA_SOURCE_NAME:
        `host=${directory} user=${role} password=${password} dbname=${database} sslmode=disable`,
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const scrape = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    const text = await answer.text();
    if (!/^pg_up 1$/m.test(text)) throw new Error("The exporter does not reach the database");
    return text;
  };
  let known = "";
  for (let wait = 0; known === "" && wait < 50; wait++) {
    await new Promise((done) => setTimeout(done, 200));
    known = await scrape().catch(() => "");
  }
  const version = /postgres_exporter_build_info\{.*version="([^"]*)"/.exec(known)?.[1];
  return {
    role,
    version: version ?? "",
    scrape,
    async stop() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}
