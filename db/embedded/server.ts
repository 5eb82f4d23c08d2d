import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { HoldfastError, StartError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { connectSql, type Sql, type Target } from "../connection.ts";
import { codeOf } from "../errors.ts";
import { type Binaries, findPrograms } from "./binaries.ts";
import { type RunAs, runCommand } from "./command.ts";
import { ownedDirectory, ownedFile, replaceFile } from "./files.ts";
import { type Place, placeOf, serverUser, sharedHome } from "./place.ts";
import { serverSettings } from "./settings.ts";

const major = "18";
export interface EmbeddedServer {
  target: Target;
  /**
   * "started" it, or "adopted" one that a killed Holdfast left running. Throws a StartError, or `storage_full` when
   * there is no room for it to start: worth trying again.
   */
  start(): Promise<"started" | "adopted">;
  isRunning(): Promise<boolean>;
  /** Fast stop: sessions are ended, everything is flushed. */
  stop(): Promise<void>;
  directory: string;
  /** Where it hands over finished WAL. */
  spool: string;
  /** From now on, also after a restart, finished WAL goes to the spool. */
  startArchiving(): Promise<void>;
}

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, " | ");

async function initialise(binaries: Binaries, place: Place, as: RunAs | undefined): Promise<void> {
  // A name of its own: the initdb of a Holdfast that was killed may still be writing.
  const home = dirname(place.cluster);
  const partial = `${place.cluster}.partial-${process.pid}`;
  for (const name of await readdir(home)) {
    if (name.startsWith("postgres.partial")) {
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 });
    }
  }
  await ownedDirectory(partial, 0o700, as);
  const { code, output } = await runCommand(binaries.initdb, [
    "--pgdata",
    partial,
    "--username",
    "postgres",
    "--auth",
    "trust",
    "--encoding",
    "UTF8",
    "--locale-provider",
    "builtin",
    "--builtin-locale",
    "C.UTF-8",
    "--locale",
    "C",
    "--data-checksums",
  ], { as, timeoutMs: 120_000 });
  if (code !== 0) {
    throw new StartError(`initdb failed (exit ${code}): ${oneLine(output).slice(-400)}`);
  }
  // Only those who may enter the socket's directory can connect at all.
  await writeFile(
    join(partial, "pg_hba.conf"),
    "local all all trust\nlocal replication all trust\n",
  );
  await writeFile(
    join(partial, "postgresql.conf"),
    readFileSync(join(partial, "postgresql.conf"), "utf8") + "\ninclude 'holdfast.conf'\n",
  );
  // A crash before this line leaves only a partial directory, which the next start removes.
  await rename(partial, place.cluster);
}

async function onServer(target: Target, work: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "holdfast-start",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    pooled: false,
    serverVersion: Number(major) * 10_000,
  });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function archiverOf(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity where backend_type = 'archiver'`;
  return row?.pid;
}

/** Whether the server knows the settings by which it hands over finished WAL. */
async function knowsArchive(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ library: string }[]>`
    select current_setting('archive_library', true) as library`;
  return row?.library === "basic_archive";
}

/**
 * Waits until the archiver of the old settings has ended: until then it would take finished segments for archived that
 * nobody keeps. The next archiver, seconds later, finds what is finished meanwhile.
 */
async function untilEnded(sql: Sql, old: number): Promise<void> {
  for (let attempt = 0; await archiverOf(sql) === old; attempt++) {
    // Somebody else's setting is above ours; the backups tell that WAL is archived by something else.
    if (attempt === 20 && !await knowsArchive(sql)) return;
    if (attempt === 200) throw new Error("The server's archiver does not take up its settings");
    await new Promise((done) => setTimeout(done, 50));
  }
}

/**
 * Says whether there is no room to start: for one segment of the write-ahead log and the small files. The server's log
 * cannot tell, it is on the same disk; asking the system for the free space would need every permission there is.
 */
async function isDiskFull(place: Place, as: RunAs | undefined): Promise<boolean> {
  const probe = join(dirname(place.cluster), "space.probe");
  try {
    await ownedFile(probe, "\0".repeat(17 * 1024 * 1024), "write", as);
    return false;
  } catch (error) {
    return codeOf(error) === "ENOSPC";
  } finally {
    await rm(probe, { force: true });
  }
}

const noSpace = (cause?: unknown) =>
  new HoldfastError(
    "storage_full",
    "The disk of the data directory is full: the embedded Postgres cannot start",
    { retryAfterSeconds: 30, cause },
  );

/** Makes the database, and the view of its statements: the server preloads what that needs. */
async function ensureDatabase(target: Target & { kind: "socket" }): Promise<void> {
  await onServer({ ...target, database: "postgres" }, async (sql) => {
    const found = await sql`select 1 from pg_database where datname = ${target.database}`;
    if (found.length > 0) return;
    await sql.unsafe("create database holdfast").catch((error) => {
      if (codeOf(error) !== "42P04") throw error; // duplicate_database
    });
  });
  await onServer(target, async (sql) => {
    await sql.unsafe("create extension if not exists pg_stat_statements").catch((error) => {
      if (codeOf(error) !== "23505") throw error; // unique_violation: another start made it just now
    });
  });
}

/** The Postgres that Holdfast brings along: made at first start, adopted after a crash, stopped at the end. */
export async function createEmbeddedServer(
  { dataDir, log, walSeconds = 300 }: {
    dataDir: string;
    log: Logger;
    /** Seconds after which an unfinished WAL segment with changes is archived; 0: WAL is never archived. */
    walSeconds?: number;
  },
): Promise<EmbeddedServer> {
  const as = serverUser(dataDir);
  const place = placeOf(dataDir, as);
  const binaries = await findPrograms({ as, home: sharedHome });
  const target = {
    kind: "socket" as const,
    directory: place.sockets,
    port: 5432,
    user: "postgres",
    database: "holdfast",
  };

  /** Whether archiving was switched on to its end, by this process. */
  let archiving = false;
  /** The archiver of settings that are no more: it may still be at it. */
  let outgoing: number | undefined;

  const pgCtl = (args: string[], timeoutMs: number) =>
    runCommand(binaries.pgCtl, [...args, "--pgdata", place.cluster], { as, timeoutMs });

  async function isRunning(): Promise<boolean> {
    return existsSync(join(place.cluster, "postmaster.pid")) &&
      (await pgCtl(["status"], 10_000)).code === 0;
  }

  async function writeSettings(): Promise<void> {
    const archives = walSeconds > 0 && existsSync(place.spool);
    const text = serverSettings(place, archives ? { everySeconds: walSeconds } : undefined);
    await replaceFile(join(place.cluster, "holdfast.conf"), text, as);
  }

  async function prepareCluster(): Promise<void> {
    const home = dirname(place.cluster);
    await mkdir(home, { recursive: true });
    if (dirname(home) === sharedHome) {
      for (const path of [sharedHome, home]) await chmod(path, 0o755);
    }
    await ownedDirectory(place.sockets, 0o700, as);
    await ownedFile(place.log, "", "append", as);
    const versionFile = join(place.cluster, "PG_VERSION");
    if (!existsSync(versionFile)) {
      if (existsSync(place.cluster) && (await readdir(place.cluster)).length > 0) {
        throw new StartError(
          `${place.cluster} is not empty and holds no Postgres cluster; move it away`,
        );
      }
      await rm(place.cluster, { recursive: true, force: true });
      log.info("embedded_postgres_initialising", { directory: place.cluster });
      await initialise(binaries, place, as);
    }
    const found = readFileSync(versionFile, "utf8").trim();
    if (found !== major) {
      throw new StartError(
        `${place.cluster} was made by Postgres ${found}, this Holdfast brings ${major}; see docs/rollback-and-upgrade.md`,
      );
    }
    await writeSettings();
  }

  async function startServer(): Promise<void> {
    let last = "";
    // Children of a killed postmaster may hold its shared memory for a moment.
    for (let attempt = 0; attempt < 8; attempt++) {
      const { code, output } = await pgCtl(
        ["start", "--wait", "--timeout", "60", "--log", place.log],
        90_000,
      );
      if (code === 0 || await isRunning()) return;
      last = oneLine(output).slice(-300);
      if (await isDiskFull(place, as)) throw noSpace();
      await new Promise((done) => setTimeout(done, 250 * 2 ** Math.min(attempt, 3)));
    }
    const tail = readFileSync(place.log, "utf8").trim().split("\n").slice(-3).join(" | ");
    throw new StartError(`The embedded Postgres does not start: ${last} (log: ${tail})`);
  }

  return {
    target,
    directory: place.cluster,
    spool: place.spool,
    async startArchiving() {
      if (walSeconds === 0 || archiving && existsSync(place.spool)) return;
      await ownedDirectory(place.spool, 0o700, as);
      await writeSettings();
      await onServer(target, async (sql) => {
        if (!await knowsArchive(sql)) {
          outgoing = await archiverOf(sql);
          await sql`select pg_reload_conf()`;
        }
        if (outgoing !== undefined) await untilEnded(sql, outgoing);
        archiving = await knowsArchive(sql);
      });
      outgoing = undefined;
    },
    isRunning,
    async start() {
      await prepareCluster().catch((error) => {
        if (codeOf(error) === "ENOSPC") throw noSpace(error);
        if (!["EACCES", "EPERM", "EROFS"].includes(codeOf(error))) throw error;
        throw new StartError(
          `This user may not write in ${
            dirname(place.cluster)
          }; run as its owner, or choose another HOLDFAST_DATA_DIR`,
          { cause: error },
        );
      });
      const running = await isRunning();
      if (!running) await startServer();
      await ensureDatabase(target);
      return running ? "adopted" : "started";
    },
    async stop() {
      if (!await isRunning()) return;
      const { code } = await pgCtl(["stop", "--mode", "fast", "--wait", "--timeout", "30"], 40_000);
      if (code !== 0 && await isRunning()) {
        log.warn("embedded_postgres_stop_immediate", { directory: place.cluster });
        await pgCtl(["stop", "--mode", "immediate", "--wait", "--timeout", "10"], 20_000);
      }
    },
  };
}
