import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { createDebianServer } from "./debian.ts";
import { startServer } from "./server.ts";
import { debianPostgres } from "./skip.ts";

/** The versions of Postgres to test behaviour on: the embedded one, and Debian's where it is installed. */
export const majors = [18, ...(debianPostgres.present ? [15] : [])] as (15 | 18)[];
if (!debianPostgres.present) console.error(`SKIPPED in part for want of ${debianPostgres.what}`);

/** Lets `work` have a bare server of that version with pg_stat_statements preloaded, which goes with it. */
export async function onServer(
  major: 15 | 18,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  if (major === 18) {
    const server = await startServer({ shared_preload_libraries: "pg_stat_statements" });
    return await work(server.target).finally(server.stop);
  }
  const server = await createDebianServer({
    settings: ["shared_preload_libraries=pg_stat_statements"],
  });
  await server.start();
  await work({ kind: "url", url: server.url }).finally(server.remove);
}

/** Opens a plain client of a test's own. */
export const openPlain = (target: Target): Sql =>
  connectSql({
    target,
    max: 4,
    applicationName: "test",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
