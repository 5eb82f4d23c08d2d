import { connectSql, type Target } from "../db/connection.ts";
import { createEmbeddedServer } from "../db/embedded/server.ts";
import { describeDatabaseError } from "../db/errors.ts";
import type { CommandContext } from "./serve.ts";

interface Finding {
  ok: boolean | "note";
  what: string;
}

async function examine(target: Target): Promise<Finding[]> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "holdfast-doctor",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    const [row] = await sql<{
      version: string;
      number: number;
      role: string;
      database: string;
      superuser: boolean;
      monitors: boolean;
      creates: boolean;
      statements: boolean;
      checksums: string;
      fsync: string;
      standby: boolean;
    }[]>`
      select
        current_setting('server_version') as version,
        current_setting('server_version_num')::int4 as number,
        current_user as role,
        current_database() as database,
        (select rolsuper from pg_roles where rolname = current_user) as superuser,
        pg_has_role(current_user, 'pg_monitor', 'usage') as monitors,
        has_database_privilege(current_database(), 'create') or to_regnamespace('holdfast') is not null as creates,
        current_setting('shared_preload_libraries') like '%pg_stat_statements%' as statements,
        current_setting('data_checksums') as checksums,
        current_setting('fsync') as fsync,
        pg_is_in_recovery() as standby`;
    if (!row) return [{ ok: false, what: "the server answers nothing" }];
    return [
      {
        ok: row.number >= 140_000 && row.number < 190_000,
        what: `Postgres ${row.version} (14 to 18 are tested)`,
      },
      {
        ok: !row.standby,
        what: row.standby ? "it is a standby: nothing can be written" : "it takes writes",
      },
      {
        ok: row.creates,
        what: `role ${row.role} may make the schemas market and holdfast in ${row.database}`,
      },
      {
        ok: row.monitors ? true : "note",
        what: `role ${row.role} sees all sessions (grant pg_monitor)`,
      },
      {
        ok: row.superuser ? "note" : true,
        what: row.superuser
          ? "the role is a superuser: more than is needed"
          : "the role is no superuser",
      },
      { ok: row.statements ? true : "note", what: "pg_stat_statements is preloaded" },
      { ok: row.checksums === "on" ? true : "note", what: `data checksums are ${row.checksums}` },
      { ok: row.fsync === "on", what: `fsync is ${row.fsync}` },
    ];
  } catch (error) {
    return [{ ok: false, what: `cannot ask the server: ${describeDatabaseError(error)}` }];
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** `deno task doctor`: says what is as it should be and what is not; changes nothing. */
export async function doctor({ config, log }: CommandContext): Promise<number> {
  console.log(`Settings are valid (profile ${config.HOLDFAST_PROFILE})`);
  let target: Target = { kind: "url", url: config.DATABASE_URL ?? "" };
  if (!config.DATABASE_URL) {
    const embedded = await createEmbeddedServer({ dataDir: config.HOLDFAST_DATA_DIR, log });
    console.log(`Embedded Postgres in ${embedded.directory}`);
    if (!await embedded.isRunning()) {
      console.log("  –  it is not running; deno task serve starts it");
      return 0;
    }
    target = embedded.target;
    if (target.kind === "socket") {
      console.log(`  –  psql -h ${target.directory} -U ${target.user} ${target.database}`);
    }
  }
  const findings = await examine(target);
  for (const { ok, what } of findings) {
    console.log(`  ${ok === true ? "✓" : ok === "note" ? "–" : "✗"}  ${what}`);
  }
  return findings.some(({ ok }) => ok === false) ? 1 : 0;
}
