import { existsSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
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
import { choosePlace, nearest, type Place, serverUser, sharedHome } from "./place.ts";
import { askPresence, killServer, provenProcesses, readPid } from "./postmaster.ts";
import { ensureSecrets, ownRole, type Secrets, superuser } from "./secrets.ts";
import { major, onServer } from "./session.ts";
import { serverSettings } from "./settings.ts";
import { whyItDoesNotStart } from "./start_failure.ts";

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
  /** Fast stop: sessions are ended, everything is flushed. One that answers nothing any more is killed. */
  stop(): Promise<void>;
  /** Ends it within two seconds, also one that is just starting; the next start recovers from its WAL. */
  stopNow(): Promise<void>;
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

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** What a log has from a byte on, at most its last 64 KiB. */
async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(start, size - 64 * 1024);
    const bytes = new Uint8Array(Math.max(0, size - from));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return new TextDecoder().decode(bytes.subarray(0, bytesRead));
  } finally {
    await file.close();
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
  const cwd = nearest(resolve(dataDir));
  const binaries = await findPrograms({ as, home: sharedHome, cwd });
  const place = choosePlace(dataDir, { as, entered: binaries.entered });
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

  const pidFile = join(place.cluster, "postmaster.pid");
  /** Whether pg_ctl is just starting it. */
  let launching = false;

  const isRunning = async () => existsSync(pidFile) && await askPresence(place, 1_000) !== "none";

  /**
   * Removes a postmaster.pid whose number is another program's by now: Postgres would not start beside it. Should a server
   * run on the directory all the same, elsewhere than on our socket, Postgres refuses by its shared memory.
   */
  async function dropStalePid(): Promise<void> {
    const pid = await readPid(place.cluster);
    if (pid === undefined || (await pgCtl(["status"], 10_000)).code !== 0) return;
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await askPresence(place, 1_000) !== "none") return;
      await pause(50);
    }
    log.warn("embedded_postgres_stale_pid", { pid, detail: "it is another program's by now" });
    await rm(pidFile, { force: true });
  }

  /** Waits until nobody listens on the socket; false when somebody still does, or has gone silent for three seconds. */
  async function untilGone(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    for (let silent = 0;;) {
      const presence = await askPresence(place, 1_000);
      if (presence === "none" && !existsSync(pidFile)) return true;
      silent = presence === "silent" ? silent + 1 : 0;
      if (silent === 3 || performance.now() > until) return false;
      await pause(50);
    }
  }

  /** Whether the server that is there has answered nothing for nine seconds: one that only recovers answers. */
  async function isFrozen(): Promise<boolean> {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await askPresence(place, 3_000) !== "silent") return false;
    }
    return true;
  }

  const kill = async () => {
    log.warn("embedded_postgres_killed", {
      detail: "it answered nothing; its next start recovers what was committed",
    });
    await killServer({ place, pgCtl: binaries.pgCtl, as });
  };

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
    await dropStalePid();
    // Children of a killed postmaster may hold its shared memory for a moment.
    for (let attempt = 0; attempt < 8; attempt++) {
      const before = statSync(place.log).size;
      launching = true;
      const { code, output } = await pgCtl(
        ["start", "--wait", "--timeout", "60", "--log", place.log],
        90_000,
      ).finally(() => launching = false);
      if (code === 0 || await isRunning()) return;
      last = oneLine(output).slice(-300);
      if (await isDiskFull(place, as)) throw noSpace();
      const why = whyItDoesNotStart(await readFrom(place.log, before), place);
      // The children of a killed server may hold its memory for a moment.
      if (why !== undefined && (attempt === 7 || !/still runs/.test(why))) {
        throw new StartError(why);
      }
      await pause(250 * 2 ** Math.min(attempt, 3));
    }
    const tail = (await readFrom(place.log, 0)).trim().split("\n").slice(-3).join(" | ");
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
      let running = await isRunning();
      if (running && await isFrozen()) {
        await kill();
        running = false;
      }
      if (!running) await startServer();
      const reload = async () => void await pgCtl(["reload"], 10_000);
      await ensureAccess({ place, as, secrets, admin, reload, log });
      return running ? "adopted" : "started";
    },
    async stop() {
      const presence = await askPresence(place, 1_000);
      if (presence === "none") return;
      if (presence === "silent") return await kill();
      if ((await provenProcesses(place)).length === 0) {
        log.error("embedded_postgres_left", { detail: `${pidFile} names another program` });
        return;
      }
      // Not waited for by pg_ctl: it would wait for a server that is frozen meanwhile.
      await pgCtl(["stop", "--mode", "fast", "--no-wait"], 10_000);
      if (await untilGone(30_000)) return;
      log.warn("embedded_postgres_stop_immediate", { directory: place.cluster });
      await pgCtl(["stop", "--mode", "immediate", "--no-wait"], 5_000).catch(() => {});
      if (!await untilGone(6_000)) await kill();
    },
    async stopNow() {
      for (let attempt = 0; launching && !existsSync(pidFile) && attempt < 20; attempt++) {
        await pause(50);
      }
      const presence = await askPresence(place, 200);
      if (presence === "none") return;
      if (presence === "silent") return await kill();
      if ((await provenProcesses(place)).length === 0) return;
      await pgCtl(["stop", "--mode", "immediate", "--no-wait"], 1_000).catch(() => {});
      await untilGone(1_000);
    },
  };
}
