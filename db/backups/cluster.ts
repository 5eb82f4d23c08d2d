import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { join } from "node:path";
import { findPrograms } from "../embedded/binaries.ts";
import { type RunAs, runCommand, unprivilegedUser } from "../embedded/command.ts";
import { sharedHome } from "../embedded/place.ts";
import { connectSql, type Sql, type Target } from "../connection.ts";
import { HoldfastError } from "../../errors.ts";
import { readControlFile, recoverySettings } from "./control_file.ts";

/** A restored cluster that runs for a while: on a socket of its own, for nobody else. */
export interface ScratchServer {
  /** A client on one of its databases. */
  connect(database: string, user: string): Sql;
  /** Flushes and stops. */
  stop(): Promise<void>;
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

/** Stops whatever server runs on a data directory that was left behind. */
export async function stopLeftover(
  { pgCtl, data, as }: { pgCtl: string; data: string; as: RunAs | undefined },
): Promise<void> {
  if (!existsSync(join(data, "postmaster.pid"))) return;
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
  { pgCtl, data, sockets, emptyConf, log, as, recovery, durable, timeoutMs, signal }:
    ScratchOptions,
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
    ...demanded,
    shared_buffers: "64MB",
    autovacuum: "off",
    default_transaction_read_only: "off",
    fsync: durable ? "on" : "off",
    ...recovery,
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`).join(
    " ",
  );
  const common = { as, timeoutMs: timeoutMs + 30_000 };
  const stop = async (mode: "fast" | "immediate") => {
    const args = ["stop", "--mode", mode, "--wait", "--timeout", "120", "--pgdata", data];
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
  return {
    connect(database, user) {
      const target: Target = { kind: "socket", directory: sockets, port: 5432, user, database };
      return connectSql({
        target,
        max: 1,
        applicationName: "holdfast-drill",
        statementTimeoutMs: 0,
        lockTimeoutMs: 10_000,
        pooled: false,
        serverVersion: major * 10_000,
      });
    },
    stop: () => stop("fast"),
  };
}
