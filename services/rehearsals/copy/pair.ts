import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { findSuperuser } from "../../../db/backups/checks.ts";
import { findPgCtl, type ScratchServer, type ScratchSession } from "../../../db/backups/cluster.ts";
import type { Sql, Target } from "../../../db/connection.ts";
import { type RunAs, unprivilegedUser } from "../../../db/embedded/command.ts";
import { ownedDirectory } from "../../../db/embedded/files.ts";
import { superuser as embeddedSuperuser } from "../../../db/embedded/secrets.ts";
import { readSettingFacts } from "../../../db/rehearsals/production.ts";
import {
  checkpoint,
  rehearsalRole,
  searchPathOf,
  setSearchPath,
} from "../../../db/rehearsals/scratch.ts";
import { HoldfastError } from "../../../errors.ts";
import { unlessAborted } from "../../../lib/deadline.ts";
import { ensureFreeSpace } from "../../backups/base/files.ts";
import type { MoveServers } from "../../upgrade/databases.ts";
import { cloneCluster } from "./clone.ts";
import { makeCluster } from "./cluster.ts";
import { type ArmName, arms, type CopyPlace, removeCopies } from "./place.ts";
import { type CopyPrograms, CopyServers } from "./servers.ts";

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
  /** The address of a copy for that role. */
  target(arm: ArmName): Target;
  /**
   * Replaces copy `b` by an empty cluster of the newer version, and lets `fill` load it from copy `a`. `restart` then starts both
   * as they are measured.
   */
  replaceB<T>(fill: (servers: MoveServers & { user: string }) => Promise<T>): Promise<T>;
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
  /** Its values of the settings that are rehearsed, which hold on the copies until the change. */
  presentSettings?: Readonly<Record<string, string>>;
  /** The newer version that copy `b` will be moved to, with the settings that the production server's owner has set. */
  newer?: CopyPrograms | undefined;
  /** Works on the first copy before it is cloned; with `newer`, gets a session on an empty cluster of that version too. */
  prepare(admin: Sql, newer: Sql | undefined): Promise<void>;
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
    target: (arm) => servers.server(arm).target(database, rehearsalRole),
    replaceB: (fill) => replaceB(options, servers, fill),
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
  { place, newer, prepare, onStep, signal }: CopyPairOptions,
  servers: CopyServers,
): Promise<string> {
  onStep("preparing the copy");
  const admin = servers.connect("a", servers.superuser);
  const fresh = newer && await startNewer(place, newer, servers, {});
  const empty = fresh?.connect("template1", servers.superuser);
  try {
    await unlessAborted(signal, prepare(admin, empty));
    const path = await searchPathOf(admin);
    await unlessAborted(signal, checkpoint(admin));
    return path;
  } finally {
    await Promise.all([admin, empty].map((sql) => sql?.end({ timeout: 0 })));
    if (fresh) {
      await fresh.stop("immediate").catch(() => {});
      await rm(place.data("b"), { recursive: true, force: true });
      servers.useForB(undefined);
    }
  }
}

/** Makes and starts an empty cluster of the newer version in place of copy `b`, which must be stopped. */
async function startNewer(
  place: CopyPlace,
  newer: CopyPrograms,
  servers: CopyServers,
  settings: Readonly<Record<string, string>>,
): Promise<ScratchServer> {
  const data = place.data("b");
  await rm(data, { recursive: true, force: true });
  await ownedDirectory(data, 0o700, unprivilegedUser());
  await makeCluster(newer.pgCtl, data, servers.superuser);
  servers.useForB({ ...newer, planSettings: {} });
  await servers.start("b", settings);
  return servers.server("b");
}

/** pg_dump locks every table of the database at once. */
const manyLocks = { max_locks_per_transaction: "2048" };

/** Without WAL of rows that copy `a` still holds. */
const loading = {
  ...manyLocks,
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "1GB",
  maintenance_work_mem: "128MB",
};

async function replaceB<T>(
  { place, newer }: CopyPairOptions,
  servers: CopyServers,
  fill: (servers: MoveServers & { user: string }) => Promise<T>,
): Promise<T> {
  if (!newer) throw new HoldfastError("conflict", "No newer version was given");
  await servers.stop("fast");
  await servers.start("a", manyLocks);
  const fresh = await startNewer(place, newer, servers, loading);
  const moved = await fill({ old: servers.server("a"), fresh, user: servers.superuser });
  const names = Object.keys(newer.planSettings);
  const sql = fresh.connect("template1", servers.superuser);
  const known = await readSettingFacts(sql, names).finally(() => sql.end({ timeout: 1 }));
  const planSettings = Object.fromEntries(
    known.map(({ name }) => [name, newer.planSettings[name] ?? ""]),
  );
  servers.useForB({ ...newer, planSettings });
  return moved;
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
