import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findSuperuser } from "../../../db/backups/checks.ts";
import { findPgCtl, type ScratchServer, type ScratchSession } from "../../../db/backups/cluster.ts";
import type { Sql, Target } from "../../../db/connection.ts";
import { type RunAs, unprivilegedUser } from "../../../db/embedded/command.ts";
import { ownedDirectory } from "../../../db/embedded/files.ts";
import { superuser as embeddedSuperuser } from "../../../db/embedded/secrets.ts";
import {
  checkpoint,
  rehearsalRole,
  searchPathOf,
  setSearchPath,
} from "../../../db/rehearsals/scratch.ts";
import { HoldfastError } from "../../../errors.ts";
import { unlessAborted } from "../../../lib/deadline.ts";
import { ensureFreeSpace } from "../../backups/base/files.ts";
import { cloneCluster } from "./clone.ts";
import { type ArmName, arms, type CopyPlace, removeCopies } from "./place.ts";
import { CopyServers } from "./servers.ts";

/** Fills the first copy. */
export interface CopySource {
  major: number;
  embedded: boolean;
  database: string;
  /** A role that may log in. */
  role: string;
  /** Estimated bytes of one copy. */
  bytes: number;
  /** Makes a data directory in which a server can be started. */
  fill(data: string, signal: AbortSignal): Promise<void>;
  /** Fills the database of the started server, where `fill` makes an empty cluster. */
  load?(connect: (database: string, role: string) => Sql, signal: AbortSignal): Promise<void>;
}

/** Two running copies of a database, which only this process can reach. */
export interface CopyPair {
  /** Opens a session of the role that can do nothing outside of the copy. */
  open(arm: ArmName, how?: ScratchSession): Promise<Sql>;
  /** Opens a session of a superuser, for Holdfast's own statements only. */
  openAdmin(arm: ArmName): Sql;
  adminTarget(arm: ArmName): Target;
  /** Restarts both copies, `b` with these settings on top. */
  restart(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Stops the servers and removes every file. */
  remove(): Promise<void>;
  readonly database: string;
  readonly place: CopyPlace;
}

export interface CopyPairOptions {
  source: CopySource;
  place: CopyPlace;
  /** The production server's settings that plans depend on. */
  planSettings: Readonly<Record<string, string>>;
  /** Works on the first copy before it is cloned. */
  prepare(admin: Sql): Promise<void>;
  onStep(step: string): void;
  /** Called when a copy's server has ended that nobody stopped. */
  onLost(arm: ArmName): void;
  signal: AbortSignal;
}

/** Space for what a change writes beside the two copies, as a share of one of them. */
const growth = 0.5;

/**
 * Makes two copies of a database that are identical byte for byte, and starts them. Leaves nothing behind when it fails.
 */
export async function makeCopies(options: CopyPairOptions): Promise<CopyPair> {
  const { source, place, signal } = options;
  const { major, embedded, database } = source;
  const as = unprivilegedUser();
  const pgCtl = await findPgCtl({ major, embedded });
  if (!pgCtl) {
    throw new HoldfastError(
      "conflict",
      `A rehearsal needs the programs of Postgres ${major}; they are not in /usr/lib/postgresql/${major}/bin`,
    );
  }
  const servers = new CopyServers({ ...options, ...source, pgCtl, as });
  const remove = async () => {
    await servers.stop("immediate");
    await removeCopies(place, { major, embedded });
  };
  // Statements fail at once when their server stops: an abort need not wait for them.
  const kill = () => servers.kill();
  signal.addEventListener("abort", kill, { once: true });
  let searchPath: string;
  try {
    await makeFolders(options, as);
    await startFirst(options, servers);
    searchPath = await prepareFirst(options, servers);
    signal.throwIfAborted();
    await servers.stop("fast");
    options.onStep("making the second copy");
    await cloneCluster(place.data("a"), place.data("b"), { as, signal });
    await servers.startBoth({});
  } catch (error) {
    await remove().catch(() => {});
    throw signal.aborted ? signal.reason : error;
  }
  return {
    database,
    place,
    async open(arm, how) {
      const sql = servers.connect(arm, rehearsalRole, how);
      try {
        await setSearchPath(sql, searchPath);
        return sql;
      } catch (error) {
        await sql.end({ timeout: 1 }).catch(() => {});
        throw error;
      }
    },
    openAdmin: (arm) => servers.connect(arm, servers.superuser),
    adminTarget: (arm) => servers.adminTarget(arm),
    async restart(settings) {
      await servers.stop("fast");
      await servers.startBoth(settings);
    },
    async remove() {
      signal.removeEventListener("abort", kill);
      await remove();
    },
  };
}

/** Removes what an earlier rehearsal left, and makes empty folders for both copies. */
async function makeFolders(
  { source, place }: CopyPairOptions,
  as: RunAs | undefined,
): Promise<void> {
  await removeCopies(place, source);
  const parent = join(place.root, "..");
  await mkdir(parent, { recursive: true });
  await ensureFreeSpace(parent, source.bytes * (2 + growth), "two copies");
  await ownedDirectory(place.root, 0o700, as);
  for (const arm of arms) {
    await ownedDirectory(place.home(arm), 0o700, as);
    await ownedDirectory(place.sockets(arm), 0o700, as);
  }
  await ownedDirectory(place.data("a"), 0o700, as);
}

/** Fills and starts the first copy. */
async function startFirst(
  { source, place, onStep, signal }: CopyPairOptions,
  servers: CopyServers,
): Promise<void> {
  onStep(source.load ? "making a cluster" : "unpacking the backup");
  await source.fill(place.data("a"), signal);
  onStep("recovering");
  await servers.start("a", {});
  if (source.load) {
    onStep("copying the schema and a sample of the rows");
    await source.load((name, role) => servers.server("a").connect(name, role), signal);
  }
  servers.superuser = await superuserOf(servers.server("a"), source);
}

/** Prepares the first copy for cloning, and returns the search path for its sessions. */
async function prepareFirst(
  { prepare, onStep, signal }: CopyPairOptions,
  servers: CopyServers,
): Promise<string> {
  onStep("preparing the copy");
  const admin = servers.connect("a", servers.superuser);
  try {
    await unlessAborted(signal, prepare(admin));
    const path = await searchPathOf(admin);
    await unlessAborted(signal, checkpoint(admin));
    return path;
  } finally {
    await admin.end({ timeout: 0 });
  }
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
