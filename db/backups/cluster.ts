import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { join } from "node:path";
import { findPrograms } from "../embedded/binaries.ts";
import { type RunAs, runCommand, unprivilegedUser } from "../embedded/command.ts";
import { sharedHome } from "../embedded/place.ts";
import { connectSql, type Sql, type Target } from "../connection.ts";
import { codeOf } from "../errors.ts";
import type { SessionPurpose } from "../session/settings.ts";
import { HoldfastError } from "../../errors.ts";
import { readControlFile, recoverySettings } from "./control_file.ts";

/** A restored cluster that runs for a while: on a socket of its own, for nobody else. */
export interface ScratchServer {
  /** A client on one of its databases, of one connection where `how` asks for no more. */
  connect(database: string, user: string, how?: ScratchSession): Sql;
  /** Where it can be reached, by those who may enter its directory. */
  target(database: string, user: string): Target;
  /** Ends all sessions, flushes and stops; `immediate` flushes nothing. */
  stop(how?: "fast" | "immediate"): Promise<void>;
}

/** What a session on a scratch server is for. */
export interface ScratchSession {
  max?: number;
  applicationName?: string;
  purpose?: SessionPurpose;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  /** Called whenever a connection of it has closed. */
  onClose?: () => void;
}

const embeddedMajor = 18;

/** `pg_ctl` of this major version: the embedded one, or Debian's; undefined where there is none. */
export async function findPgCtl(
  { major, embedded }: { major: number; embedded: boolean },
): Promise<string | undefined> {
  const debian = `/usr/lib/postgresql/${major}/bin/pg_ctl`;
  if (!embedded && existsSync(debian)) return debian;
  if (major !== embeddedMajor) return undefined;
  return (await findPrograms({ as: unprivilegedUser(), home: sharedHome })).pgCtl;
}

/**
 * Says whether the server that a `postmaster.pid` tells of lives: it answers on its socket, and its data directory is this
 * one. The number alone proves nothing; another process may have it by now. A server that answers that it starts or stops
 * is taken for it, as it answers in a directory of ours.
 */
async function isAlive(data: string): Promise<boolean> {
  const lines = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
  const [, , , port = "", directory = ""] = lines.split("\n").map((line) => line.trim());
  if (directory === "" || !existsSync(join(directory, `.s.PGSQL.${port}`))) return false;
  const sql = connectSql({
    target: {
      kind: "socket",
      directory,
      port: Number(port),
      user: "postgres",
      database: "postgres",
    },
    max: 1,
    applicationName: "holdfast-sweep",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    const [row] = await sql`select current_setting('data_directory') as data`;
    return row?.data === data;
  } catch (error) {
    // Any answer of a server: it starts, it stops, or it knows no such role.
    return /^[0-9A-Z]{5}$/.test(codeOf(error));
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

/** Stops the server that runs on a data directory that was left behind; signals no process that is not proven to be it. */
export async function stopLeftover(
  { pgCtl, data, as }: { pgCtl: string; data: string; as: RunAs | undefined },
): Promise<void> {
  if (!existsSync(join(data, "postmaster.pid")) || !await isAlive(data)) return;
  await runCommand(pgCtl, ["stop", "--mode", "immediate", "--wait", "--pgdata", data], {
    as,
    timeoutMs: 30_000,
  });
}

const low = 10;

/** pg_ctl is content with a server that still recovers; only "ready" in its file says that this has ended. */
async function untilReady(data: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline && !signal?.aborted) {
    const lines = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
    if (lines === "") return false;
    if (lines.split("\n")[7]?.trim() === "ready") return true;
    await new Promise((done) => setTimeout(done, 50));
  }
  return false;
}

async function lowerPriority(data: string): Promise<void> {
  const pid = Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n")[0]);
  try {
    setPriority(pid, low);
  } catch {
    // A courtesy to the living server, no more.
  }
}

export interface ScratchOptions {
  pgCtl: string;
  data: string;
  sockets: string;
  /** A file without settings, in place of the cluster's own; beside it `.hba` and `.ident` say who may log in. */
  emptyConf: string;
  log: string;
  as: RunAs | undefined;
  /** Settings of the recovery; values without spaces or quotes. */
  recovery: Record<string, string>;
  durable: boolean;
  /** More settings, above all others; values without quotes or backslashes. */
  settings?: Readonly<Record<string, string>>;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Starts at most, each with what the control file demanded after the one before. */
const startsMax = 3;

/**
 * Starts a restored cluster and waits until its recovery has ended. Its own settings do not count, but for those that
 * recovery demands, which its control file has: it listens to nobody else, loads nothing, archives nothing. WAL may
 * raise what is demanded: then it is started again with that. Throws with the end of its log when recovery fails.
 */
export async function startScratch(options: ScratchOptions): Promise<ScratchServer> {
  let demanded = recoverySettings(await readControlFile(options.data));
  for (let start = 1;; start++) {
    try {
      return await startWith(demanded, options);
    } catch (error) {
      const next = recoverySettings(await readControlFile(options.data));
      const same = Object.entries(next).every(([name, value]) => demanded[name] === value);
      if (same || start === startsMax || options.signal?.aborted) throw error;
      demanded = next;
    }
  }
}

async function startWith(
  demanded: Record<string, string>,
  {
    pgCtl,
    data,
    sockets,
    emptyConf,
    log,
    as,
    recovery,
    durable,
    settings: more,
    timeoutMs,
    signal,
  }: ScratchOptions,
): Promise<ScratchServer> {
  const settings: Record<string, string> = {
    config_file: emptyConf,
    hba_file: `${emptyConf}.hba`,
    ident_file: `${emptyConf}.ident`,
    listen_addresses: "",
    unix_socket_directories: sockets,
    unix_socket_permissions: "0700",
    port: "5432",
    ssl: "off",
    logging_collector: "off",
    log_destination: "stderr",
    external_pid_file: "",
    shared_preload_libraries: "",
    session_preload_libraries: "",
    archive_mode: "off",
    hot_standby: "off",
    primary_conninfo: "",
    // A copy of a subscriber must not take the subscription over.
    max_logical_replication_workers: "0",
    ...demanded,
    shared_buffers: "64MB",
    autovacuum: "off",
    default_transaction_read_only: "off",
    fsync: durable ? "on" : "off",
    ...recovery,
    ...more,
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`).join(
    " ",
  );
  const common = { as, timeoutMs: timeoutMs + 30_000 };
  const stop = async (mode: "fast" | "immediate") => {
    // A server that was killed may stay a zombie for as long as nobody asks for its end: pg_ctl takes it for alive.
    const seconds = mode === "immediate" ? "15" : "120";
    const args = ["stop", "--mode", mode, "--wait", "--timeout", seconds, "--pgdata", data];
    await runCommand(pgCtl, args, common);
  };
  const abort = () => void stop("immediate").catch(() => {});
  signal?.addEventListener("abort", abort, { once: true });
  const { code, output } = await runCommand(pgCtl, [
    "start",
    "--wait",
    "--timeout",
    String(Math.ceil(timeoutMs / 1000)),
    "--pgdata",
    data,
    "--log",
    log,
    "--options",
    options,
  ], common);
  const ready = code === 0 && await untilReady(data, timeoutMs, signal);
  signal?.removeEventListener("abort", abort);
  if (!ready || signal?.aborted) {
    await stop("immediate").catch(() => {});
    signal?.throwIfAborted();
    const said = await readFile(log, "utf8").catch(() => output);
    const fatal = said.split("\n").filter((line) => /FATAL|PANIC|ERROR/.test(line)).slice(-3);
    throw new HoldfastError(
      "conflict",
      `The restored cluster does not start: ${
        (fatal.length > 0 ? fatal : said.trim().split("\n").slice(-3)).join(" | ").slice(-600)
      }`,
    );
  }
  await lowerPriority(data).catch(() => {});
  const major = Number((await readFile(join(data, "PG_VERSION"), "utf8")).trim());
  const target = (database: string, user: string): Target => ({
    kind: "socket",
    directory: sockets,
    port: 5432,
    user,
    database,
  });
  return {
    target,
    connect: (database, user, how = {}) =>
      connectSql({
        target: target(database, user),
        max: 1,
        applicationName: "holdfast-drill",
        statementTimeoutMs: 0,
        lockTimeoutMs: 10_000,
        ...how,
        pooled: false,
        serverVersion: major * 10_000,
      }),
    stop: (how = "fast") => stop(how),
  };
}
