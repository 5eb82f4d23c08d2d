import { existsSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPgCtl, stopLeftover } from "../../../db/backups/cluster.ts";
import { unprivilegedUser } from "../../../db/embedded/command.ts";
import { databaseMark } from "../../../db/session/lock.ts";

/** The two copies: `a` stays unchanged, `b` gets the change. */
export const arms = ["a", "b"] as const;
export type ArmName = (typeof arms)[number];

/** Directories of the copies of one server. */
export interface CopyPlace {
  root: string;
  data(arm: ArmName): string;
  /** A directory for the arm's socket, its settings and its log. */
  home(arm: ArmName): string;
  sockets(arm: ArmName): string;
}

/** A Unix socket's path holds at most 107 bytes (unix(7)). */
const socketRootMax = 80;

/** Returns the directories of the copies of a server's database; the embedded server has one only. */
export function placeOfCopies(
  home: string,
  { system, database, embedded }: { system: string; database: string; embedded: boolean },
): CopyPlace {
  const name = embedded ? `rehearsal-${system}` : `rehearsal-${system}-${databaseMark(database)}`;
  const root = join(home, name);
  const armHome = (arm: ArmName) => join(root, arm);
  return {
    root,
    home: armHome,
    data: (arm) => join(armHome(arm), "data"),
    sockets: (arm) =>
      root.length < socketRootMax ? armHome(arm) : join(tmpdir(), `holdfast-${name}-${arm}`),
  };
}

/**
 * Stops the copies' servers and removes all their files, also after a crash. Only the holder of the rehearsal lock may
 * call it. Returns whether there was anything to remove.
 */
export async function removeCopies(
  place: CopyPlace,
  { major, embedded }: { major: number; embedded: boolean },
): Promise<boolean> {
  const found = existsSync(place.root) || arms.some((arm) => existsSync(place.sockets(arm)));
  if (!found) return false;
  const pgCtl = await findPgCtl({ major, embedded });
  const as = unprivilegedUser();
  for (const arm of arms) {
    if (pgCtl) await stopLeftover({ pgCtl, data: place.data(arm), as });
    await removeTree(place.sockets(arm));
  }
  await removeTree(place.root);
  return true;
}

/** Removes a directory; retries while a server that is ending still creates files in it. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Returns the bytes of all files below a directory. */
export async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += found?.size ?? 0;
  }
  return bytes;
}
