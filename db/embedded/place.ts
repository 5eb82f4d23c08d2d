import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../../errors.ts";
import { type RunAs, unprivilegedUser } from "./command.ts";

/** Where root keeps what an unprivileged user must reach when the working directory is closed to it. */
export const sharedHome = "/var/lib/holdfast";
/** Folder of a data directory in which `deno task upgrade` makes the new cluster. */
export const upgradeFolder = "upgrade";
/** A Unix socket's path holds at most 107 bytes (unix(7)). */
const socketPathMax = 100;

/** Where one embedded server has its files. */
export interface Place {
  cluster: string;
  sockets: string;
  log: string;
  /** The passwords of the server's roles, in libpq's form. */
  passwords: string;
  /** Where the server hands over finished WAL, once backups are taken; there while WAL is archived. */
  spool: string;
}

const holdsCluster = (home: string) => existsSync(join(home, "postgres", "PG_VERSION"));

/** As root, the server runs as whoever made the cluster; a new one belongs to an unprivileged user. */
export function serverUser(dataDir: string): RunAs | undefined {
  const as = unprivilegedUser();
  const home = resolve(dataDir);
  if (!as || !holdsCluster(home)) return as;
  const { uid, gid } = statSync(join(home, "postgres"));
  return uid === 0 ? as : { uid, gid };
}

const idOf = (full: string) => createHash("sha256").update(full).digest("hex").slice(0, 12);

/** Returns where the cluster of a data directory is; where there is none, the directory itself. */
function homeOf(full: string, as: RunAs | undefined): string {
  const apart = join(sharedHome, idOf(full));
  return as && !holdsCluster(full) && holdsCluster(apart) ? apart : full;
}

/** Returns the directory, or the nearest above it that exists and may be looked at. */
export function nearest(path: string): string {
  try {
    return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
  } catch {
    return "/"; // not for Deno to look at: it is tried once the directory is there
  }
}

/**
 * Returns where the server of a data directory lives, or shall live: apart where its user has not `entered` the directory. Once
 * made it is found again. Throws a StartError where the cluster's user may no longer enter.
 */
export function choosePlace(
  dataDir: string,
  { as, entered }: { as: RunAs | undefined; entered: boolean },
): Place {
  const full = resolve(dataDir);
  const home = homeOf(full, as);
  if (!as || home !== full || entered) return placeAt(full, home);
  if (!holdsCluster(full)) return placeAt(full, join(sharedHome, idOf(full)));
  throw new StartError(
    `${full} holds data, and the user it belongs to (uid ${as.uid}) may no longer enter it; allow that, or move it`,
  );
}

/** Returns where the cluster of a data directory is when it runs as `as`; where there is none, its usual place. */
export function placeOf(dataDir: string, as: RunAs | undefined): Place {
  const full = resolve(dataDir);
  return placeAt(full, homeOf(full, as));
}

/** Returns where a server has its files whose home is `home` and nowhere else. */
export const placeIn = (home: string): Place => placeAt(home, home);

function placeAt(full: string, home: string): Place {
  const id = idOf(full);
  const near = join(home, "socket");
  const sockets = near.length + "/.s.PGSQL.5432".length < socketPathMax
    ? near
    : join(tmpdir(), `holdfast-${id}`);
  return {
    cluster: join(home, "postgres"),
    sockets,
    log: join(home, "postgres.log"),
    passwords: join(home, "pgpass"),
    spool: join(home, "wal-spool"),
  };
}
