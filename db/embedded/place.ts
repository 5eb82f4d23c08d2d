import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StartError } from "../../errors.ts";
import { mayEnter } from "./binaries.ts";
import { type RunAs, unprivilegedUser } from "./command.ts";

/** Where root keeps what an unprivileged user must reach when the working directory is closed to it. */
export const sharedHome = "/var/lib/holdfast";
/** A Unix socket's path holds at most 107 bytes (unix(7)). */
const socketPathMax = 100;

/** Where one embedded server has its files. */
export interface Place {
  cluster: string;
  sockets: string;
  log: string;
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

/** Where the cluster is, or shall be made: once made it is found again, whatever became of the way to it. */
function homeOf(full: string, id: string, as: RunAs | undefined): string {
  if (!as) return full;
  const apart = join(sharedHome, id);
  const open = mayEnter(full, as);
  if (holdsCluster(full) && !open) {
    throw new StartError(
      `${full} holds data, and the user it belongs to (uid ${as.uid}) may no longer enter it; allow that, or move it`,
    );
  }
  return holdsCluster(full) || open && !holdsCluster(apart) ? full : apart;
}

/** Where the server of a data directory lives when it runs as `as`. */
export function placeOf(dataDir: string, as: RunAs | undefined): Place {
  const full = resolve(dataDir);
  const id = createHash("sha256").update(full).digest("hex").slice(0, 12);
  const home = homeOf(full, id, as);
  const near = join(home, "socket");
  const sockets = near.length + "/.s.PGSQL.5432".length < socketPathMax
    ? near
    : join(tmpdir(), `holdfast-${id}`);
  return {
    cluster: join(home, "postgres"),
    sockets,
    log: join(home, "postgres.log"),
    spool: join(home, "wal-spool"),
  };
}
