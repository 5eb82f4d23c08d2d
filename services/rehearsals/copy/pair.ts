import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findSuperuser } from "../../../db/backups/checks.ts";
import {
  findPgCtl,
  type ScratchServer,
  type ScratchSession,
  startScratch,
} from "../../../db/backups/cluster.ts";
import { writeScratchAccess } from "../../../db/backups/scratch_access.ts";
import type { Sql, Target } from "../../../db/connection.ts";
import { unprivilegedUser } from "../../../db/embedded/command.ts";
import { superuser as embeddedSuperuser } from "../../../db/embedded/secrets.ts";
import { ownedDirectory, ownedFile } from "../../../db/embedded/files.ts";
import { rehearsalRole, searchPathOf } from "../../../db/rehearsals/scratch.ts";
import { HoldfastError } from "../../../errors.ts";
import { unlessAborted } from "../../../lib/unless_aborted.ts";
import { ensureFreeSpace } from "../../backups/base/files.ts";
import { cloneCluster } from "./clone.ts";
import { type ArmName, arms, type CopyPlace, removeCopies } from "./place.ts";

/** What fills the first copy: it makes a data directory in which a server can be started. */
export interface CopySource {
  major: number;
  embedded: boolean;
  database: string;
  /** A role that may log in. */
  role: string;
  /** Bytes of one copy, as far as they are known. */
  bytes: number;
  fill(data: string, signal: AbortSignal): Promise<void>;
  /** Fills the database of the server that was started on it, where `fill` did not. */
  load?(connect: (database: string, role: string) => Sql, signal: AbortSignal): Promise<void>;
}

/** Two running copies of a database, for nobody but this process. */
export interface Copies {
  /** A session of the role that may do nothing outside of the copy. */
  open(arm: ArmName, how?: ScratchSession): Promise<Sql>;
  /** A session of a superuser: for Holdfast's own statements only. */
  openAdmin(arm: ArmName): Sql;
  adminTarget(arm: ArmName): Target;
  /** Starts the copies anew, `b` with these settings on top. */
  restart(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Stops the servers and removes every file. */
  remove(): Promise<void>;
  readonly database: string;
  readonly place: CopyPlace;
}

/** Room for what a change writes beside the two copies, as a part of one of them. */
const growth = 0.5;
const startTimeoutMs = 3_600_000;

/** Small, so that two servers beside production take little; plans do not depend on it. */
const scratchSettings = {
  shared_buffers: "64MB",
  synchronize_seqscans: "off",
  client_connection_check_interval: "1s",
  max_wal_size: "512MB",
  timezone: "UTC",
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  jit: "off",
  idle_in_transaction_session_timeout: "0",
};

/**
 * Makes two copies of a database that are the same byte for byte, and starts them. `prepare` works on the first before
 * it is cloned. Whatever fails, nothing is left behind.
 */
export async function makeCopies(
  { source, place, planSettings, prepare, onStep, onLost, signal }: {
    source: CopySource;
    place: CopyPlace;
    /** The living server's settings that plans depend on. */
    planSettings: Readonly<Record<string, string>>;
    prepare(admin: Sql): Promise<void>;
    onStep(step: string): void;
    /** Told when a copy's server has gone that nobody stopped. */
    onLost(arm: ArmName): void;
    signal: AbortSignal;
  },
): Promise<Copies> {
  const { major, embedded, database } = source;
  const as = unprivilegedUser();
  const pgCtl = await findPgCtl({ major, embedded });
  if (!pgCtl) {
    throw new HoldfastError(
      "conflict",
      `A rehearsal needs the programs of Postgres ${major}; they are not in /usr/lib/postgresql/${major}/bin`,
    );
  }
  const servers: Partial<Record<ArmName, ScratchServer>> = {};
  /** While servers are being stopped, none is missed. */
  let stopping = false;
  let superuser = source.role;
  let path = "public";

  async function start(arm: ArmName, settings: Readonly<Record<string, string>>): Promise<void> {
    const emptyConf = join(place.home(arm), "copy.conf");
    await ownedFile(emptyConf, "", "write", as);
    await writeScratchAccess(emptyConf, { major, as });
    servers[arm] = await startScratch({
      pgCtl: pgCtl!,
      data: place.data(arm),
      sockets: place.sockets(arm),
      emptyConf,
      log: join(place.home(arm), "server.log"),
      as,
      recovery: {},
      durable: false,
      settings: { ...planSettings, ...scratchSettings, ...settings },
      timeoutMs: startTimeoutMs,
      signal,
    });
  }

  /** Asks whether a server is there, once a session on it has closed: its own end, or the server's. */
  async function checkAlive(arm: ArmName): Promise<void> {
    const server = servers[arm];
    if (!server || stopping || signal.aborted) return;
    const sql = server.connect(database, superuser, {
      applicationName: "holdfast-rehearsal-check",
    });
    try {
      await sql`select 1`;
    } catch {
      if (servers[arm] === server && !stopping) onLost(arm);
    } finally {
      await sql.end({ timeout: 0 }).catch(() => {});
    }
  }

  async function stopAll(how: "fast" | "immediate"): Promise<void> {
    stopping = true;
    for (const arm of arms) {
      await servers[arm]?.stop(how).catch(() => {});
      delete servers[arm];
    }
  }

  async function remove(): Promise<void> {
    await stopAll("immediate");
    await removeCopies(place, { major, embedded });
  }

  // Statements fail at once when their server stops: an abort need not wait for them.
  const kill = () => {
    for (const arm of arms) void servers[arm]?.stop("immediate").catch(() => {});
  };
  signal.addEventListener("abort", kill, { once: true });

  const serverOf = (arm: ArmName): ScratchServer => {
    const server = servers[arm];
    if (!server) throw new HoldfastError("conflict", "The copy is not running");
    return server;
  };
  const openAdmin = (arm: ArmName) =>
    serverOf(arm).connect(database, superuser, {
      onClose: () => void checkAlive(arm),
      applicationName: "holdfast-rehearsal",
      purpose: "benchmark",
    });

  try {
    await removeCopies(place, { major, embedded });
    await mkdir(join(place.root, ".."), { recursive: true });
    await ensureFreeSpace(join(place.root, ".."), source.bytes * (2 + growth), "two copies");
    await ownedDirectory(place.root, 0o700, as);
    for (const arm of arms) {
      await ownedDirectory(place.home(arm), 0o700, as);
      await ownedDirectory(place.sockets(arm), 0o700, as);
    }
    onStep(source.load ? "making a cluster" : "unpacking the backup");
    await ownedDirectory(place.data("a"), 0o700, as);
    await source.fill(place.data("a"), signal);
    onStep("recovering");
    await start("a", {});
    if (source.load) {
      onStep("copying the schema and a sample of the rows");
      await source.load((name, role) => serverOf("a").connect(name, role), signal);
    }
    superuser = await superuserOf(serverOf("a"), source);
    const admin = openAdmin("a");
    try {
      onStep("preparing the copy");
      await unlessAborted(signal, prepare(admin));
      path = await searchPathOf(admin);
      await unlessAborted(signal, admin`checkpoint`);
    } finally {
      await admin.end({ timeout: 0 });
    }
    signal.throwIfAborted();
    await stopAll("fast");
    onStep("making the second copy");
    await cloneCluster(place.data("a"), place.data("b"), { as, signal });
    await start("a", {});
    await start("b", {});
    stopping = false;
  } catch (error) {
    await remove().catch(() => {});
    throw signal.aborted ? signal.reason : error;
  }

  return {
    database,
    place,
    async open(arm, how = {}) {
      const sql = serverOf(arm).connect(database, rehearsalRole, {
        applicationName: "holdfast-rehearsal",
        purpose: "benchmark",
        onClose: () => void checkAlive(arm),
        ...how,
      });
      try {
        await sql.unsafe(`set search_path to ${path === "" ? "public" : path}`);
        return sql;
      } catch (error) {
        await sql.end({ timeout: 1 }).catch(() => {});
        throw error;
      }
    },
    openAdmin,
    adminTarget: (arm) => serverOf(arm).target(database, superuser),
    async restart(settings) {
      await stopAll("fast");
      await start("a", {});
      await start("b", settings);
      stopping = false;
    },
    async remove() {
      signal.removeEventListener("abort", kill);
      await remove();
    },
  };
}

async function superuserOf(server: ScratchServer, { database, role }: CopySource): Promise<string> {
  let last: unknown;
  // A backup may be older than the role.
  for (const user of [role, embeddedSuperuser]) {
    const sql = server.connect(database, user);
    try {
      return await findSuperuser(sql) ?? user;
    } catch (error) {
      last = error;
    } finally {
      await sql.end({ timeout: 2 });
    }
  }
  throw last;
}
