import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError, StartError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Target } from "../connection.ts";
import { codeOf } from "../errors.ts";
import { ensureAccess } from "./access.ts";
import { archiverOf, knowsArchive, untilEnded } from "./archiving.ts";
import { findPrograms } from "./binaries.ts";
import { type RunAs, runCommand } from "./command.ts";
import { closeHome, ownedDirectory, ownedFile, replaceFile } from "./files.ts";
import { initialise, oneLine } from "./initialise.ts";
import { choosePlace, type Place, serverUser, sharedHome } from "./place.ts";
import { ensureSecrets, ownRole, type Secrets, superuser } from "./secrets.ts";
import { major, onServer } from "./session.ts";
import { serverSettings } from "./settings.ts";

export interface EmbeddedServer {
  /** Holdfast's own role, which is no superuser. */
  target: Target & { kind: "socket" };
  /** The superuser: for what no other role may do, at a start. */
  admin: Target & { kind: "socket" };
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
  const binaries = await findPrograms({ as, home: sharedHome });
  const place = await choosePlace(dataDir, { as, pgCtl: binaries.pgCtl });
  const target = {
    kind: "socket" as const,
    directory: place.sockets,
    port: 5432,
    user: ownRole,
    database: "holdfast",
    passwordFile: place.passwords,
  };
  const admin = { ...target, user: superuser };

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

  async function prepareCluster(): Promise<Secrets> {
    const home = dirname(place.cluster);
    await mkdir(home, { recursive: true });
    if (dirname(home) === sharedHome) await chmod(sharedHome, 0o755);
    const kept = await closeHome(home, as);
    if (kept !== undefined) log.warn("data_directory_open", { directory: home, detail: kept });
    await ownedDirectory(place.sockets, 0o700, as);
    await ownedFile(place.log, "", "append", as);
    const secrets = await ensureSecrets(place.passwords, as);
    const versionFile = join(place.cluster, "PG_VERSION");
    if (!existsSync(versionFile)) {
      if (existsSync(place.cluster) && (await readdir(place.cluster)).length > 0) {
        throw new StartError(
          `${place.cluster} is not empty and holds no Postgres cluster; move it away`,
        );
      }
      await rm(place.cluster, { recursive: true, force: true });
      log.info("embedded_postgres_initialising", { directory: place.cluster });
      await initialise({ binaries, place, as, secrets });
    }
    const found = readFileSync(versionFile, "utf8").trim();
    if (found !== major) {
      throw new StartError(
        `${place.cluster} was made by Postgres ${found}, this Holdfast brings ${major}; see docs/rollback-and-upgrade.md`,
      );
    }
    await writeSettings();
    return secrets;
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
    admin,
    directory: place.cluster,
    spool: place.spool,
    async startArchiving() {
      if (walSeconds === 0 || archiving && existsSync(place.spool)) return;
      await ownedDirectory(place.spool, 0o700, as);
      await writeSettings();
      await onServer(admin, async (sql) => {
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
      const secrets = await prepareCluster().catch((error) => {
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
      const reload = async () => void await pgCtl(["reload"], 10_000);
      await ensureAccess({ place, as, secrets, admin, reload, log });
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
