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

/** A temporary server on a restored cluster, reachable only through a socket of its own. */
export interface ScratchServer {
  major: number;
  /** Connects to one of its databases; with one connection unless `how` asks for more. */
  connect(database: string, user: string, how?: ScratchSession): Sql;
  /** Returns the address of a database, for those who may enter the socket's directory. */
  target(database: string, user: string): Target;
  /** Ends all sessions, flushes and stops; `immediate` stops without a flush. */
  stop(how?: "fast" | "immediate"): Promise<void>;
}

/** What a session on a scratch server is for. */
export interface ScratchSession {
  max?: number;
  applicationName?: string;
  purpose?: SessionPurpose;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  /** Called whenever a connection has closed. */
  onClose?: () => void;
}

const embeddedMajor = 18;

/** Finds `pg_ctl` of a major version: the embedded one or Debian's; undefined when there is none. */
export async function findPgCtl(
  { major, embedded }: { major: number; embedded: boolean },
): Promise<string | undefined> {
  const debian = `/usr/lib/postgresql/${major}/bin/pg_ctl`;
  if (!embedded && existsSync(debian)) return debian;
  if (major !== embeddedMajor) return undefined;
  return (await findPrograms({ as: unprivilegedUser(), home: sharedHome })).pgCtl;
}

/**
 * Returns whether the server of a `postmaster.pid` is running: it answers on its socket, and its data directory is this
 * one. The process id alone proves nothing: another process may have it by now. A server that answers that it starts or
 * stops counts as running, because its socket is in our directory.
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
    // Any SQLSTATE is a server's answer: it starts, stops, or has no such role.
    return /^[0-9A-Z]{5}$/.test(codeOf(error));
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

/** Stops a server that still runs on a data directory that was left behind; signals no other process. */
export async function stopLeftover(
  { pgCtl, data, as }: { pgCtl: string; data: string; as: RunAs | undefined },
): Promise<void> {
  if (!existsSync(join(data, "postmaster.pid")) || !await isAlive(data)) return;
  await runCommand(pgCtl, ["stop", "--mode", "immediate", "--wait", "--pgdata", data], {
    as,
    timeoutMs: 30_000,
  });
}

/** Priority of scratch servers (nice). */
const lowPriority = 10;

/** Waits until recovery has ended: pg_ctl returns earlier; the status "ready" in postmaster.pid shows it. */
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
    setPriority(pid, lowPriority);
  } catch {
    // Lower priority only spares the production server; the work does not depend on it.
  }
}

export interface ScratchOptions {
  pgCtl: string;
  data: string;
  sockets: string;
  /** An empty file in place of postgresql.conf; `.hba` and `.ident` beside it replace pg_hba.conf and pg_ident.conf. */
  emptyConf: string;
  log: string;
  as: RunAs | undefined;
  /** Settings of the recovery; values without spaces or quotes. */
  recovery: Record<string, string>;
  durable: boolean;
  /** Settings that override all others; values without quotes or backslashes. */
  settings?: Readonly<Record<string, string>>;
  /** Recovers at low priority, too; otherwise only what comes after it is lowered. */
  spares?: boolean;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Most starts; each uses the lower bounds that the control file has after the one before. */
const startsMax = 3;

/**
 * Starts a restored cluster and waits until its recovery has ended. Of its own settings only the lower bounds apply that
 * recovery demands, from its control file: it listens on no network, loads no libraries and archives nothing. WAL may
 * raise the lower bounds; the server is then started again with those. Throws with the end of its log when recovery
 * fails.
 */
export async function startScratch(options: ScratchOptions): Promise<ScratchServer> {
  let demanded = recoverySettings(await readControlFile(options.data));
  for (let start = 1;; start++) {
    try {
      return await startOnce(demanded, options);
    } catch (error) {
      const next = recoverySettings(await readControlFile(options.data));
      const same = Object.entries(next).every(([name, value]) => demanded[name] === value);
      if (same || start === startsMax || options.signal?.aborted) throw error;
      demanded = next;
    }
  }
}

async function startOnce(
  demanded: Record<string, string>,
  options: ScratchOptions,
): Promise<ScratchServer> {
  const { pgCtl, data, sockets, log, as, timeoutMs, signal } = options;
  const common = { as, timeoutMs: timeoutMs + 30_000 };
  const stop = async (mode: "fast" | "immediate") => {
    // A killed server may remain a zombie, which pg_ctl takes for a running one until the timeout.
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
    scratchSettings(demanded, options),
  ], { ...common, nice: options.spares ? lowPriority : undefined });
  const ready = code === 0 && await untilReady(data, timeoutMs, signal);
  signal?.removeEventListener("abort", abort);
  if (!ready || signal?.aborted) {
    await stop("immediate").catch(() => {});
    signal?.throwIfAborted();
    throw startFailure(await readFile(log, "utf8").catch(() => output));
  }
  await lowerPriority(data).catch(() => {});
  const major = Number((await readFile(join(data, "PG_VERSION"), "utf8")).trim());
  return { ...clientsOf(sockets, major), stop: (how = "fast") => stop(how) };
}

/** Returns the server's command-line options: ours replace the cluster's own configuration. */
function scratchSettings(
  demanded: Record<string, string>,
  { emptyConf, sockets, durable, recovery, settings }: ScratchOptions,
): string {
  const all: Record<string, string> = {
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
    ...settings,
  };
  return Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`).join(" ");
}

/** Returns the error for a server that did not start: the last errors of its log, else the end of it. */
function startFailure(log: string): HoldfastError {
  const fatal = log.split("\n").filter((line) => /FATAL|PANIC|ERROR/.test(line)).slice(-3);
  const lines = fatal.length > 0 ? fatal : log.trim().split("\n").slice(-3);
  return new HoldfastError(
    "conflict",
    `The restored cluster does not start: ${lines.join(" | ").slice(-600)}`,
  );
}

function clientsOf(
  sockets: string,
  major: number,
): Pick<ScratchServer, "major" | "target" | "connect"> {
  const target = (database: string, user: string): Target => ({
    kind: "socket",
    directory: sockets,
    port: 5432,
    user,
    database,
  });
  return {
    major,
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
  };
}
