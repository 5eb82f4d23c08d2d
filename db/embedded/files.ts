import { constants } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { HoldfastError, StartError } from "../../errors.ts";
import { codeOf } from "../errors.ts";
import type { RunAs } from "./command.ts";
import type { Place } from "./place.ts";

/**
 * Makes a directory, of this mode, that the server's user owns. Refuses a link in its place, and a directory of somebody
 * else's: in a temporary folder others may have made it first.
 */
export async function ownedDirectory(
  path: string,
  mode: number,
  as: RunAs | undefined,
): Promise<void> {
  await mkdir(path, { recursive: true });
  const found = await lstat(path);
  const me = process.getuid?.();
  if (!found.isDirectory() || me !== undefined && found.uid !== me && found.uid !== as?.uid) {
    throw new StartError(
      `${path} ${
        found.isDirectory() ? `belongs to another user (uid ${found.uid})` : "is no directory"
      }; remove it, or choose another HOLDFAST_DATA_DIR`,
    );
  }
  await chmod(path, mode);
  if (as) await chown(path, as.uid, as.gid);
}

/** What Holdfast puts into a data directory; anything else there is somebody else's. */
const ours =
  /^(holdfast\.lock|pgpass(\.partial)?|postgres(\.log|\.partial.*|-\d+)?|upgrade|wal-spool-\d+|socket|wal-spool|space\.probe|backups|archive|drill-\d+|tokens\.json.*)$/;

/**
 * Closes a data directory to everybody else: 0700, or as root 0710 for the group of the server's user, who must pass
 * through it. Returns why one is left as it is: it also holds files of others, or belongs to somebody else.
 */
export async function closeHome(path: string, as: RunAs | undefined): Promise<string | undefined> {
  const found = await stat(path);
  const me = process.getuid?.();
  if (me !== undefined && me !== 0 && found.uid !== me) return undefined;
  // As root with a directory of the server's user, that user needs no group to enter.
  const group = me === 0 && as && found.uid !== as.uid ? as.gid : undefined;
  const mode = group === undefined ? 0o700 : 0o710;
  if ((found.mode & 0o7777) === mode && (group === undefined || found.gid === group)) {
    return undefined;
  }
  const foreign = (await readdir(path)).find((name) => !ours.test(name));
  if (foreign !== undefined) {
    return (found.mode & 0o077) === 0
      ? undefined
      : `it also holds ${foreign}: others may enter it, and the passwords alone keep them out`;
  }
  if (group !== undefined) await chown(path, found.uid, group);
  await chmod(path, mode);
  return undefined;
}

const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants;

/**
 * Writes or appends to a file that the server's user owns. Root never follows a link here: that user may have
 * put one in place of the file.
 */
export async function ownedFile(
  path: string,
  text: string,
  how: "write" | "append",
  as: RunAs | undefined,
): Promise<void> {
  const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (how === "write" ? O_TRUNC : O_APPEND);
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    if (as) await file.chown(as.uid, as.gid);
  } finally {
    await file.close();
  }
}

/** Replaces a file whole or not at all: a full disk must not leave it empty. Writes nothing when nothing changed. */
export async function replaceFile(
  path: string,
  text: string,
  as: RunAs | undefined,
): Promise<void> {
  if (await readFile(path, "utf8").catch(() => undefined) === text) return;
  const partial = `${path}.partial`;
  try {
    await ownedFile(partial, text, "write", as);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Returns whether the disk lacks the space to start: one WAL segment and small files. The server's log cannot say so, it is on
 * the same disk; to ask the system for free space, Deno would need all permissions.
 */
export async function isDiskFull(place: Place, as: RunAs | undefined): Promise<boolean> {
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

/** Returns the error `storage_full` of a start. */
export const noSpace = (cause?: unknown) =>
  new HoldfastError(
    "storage_full",
    "The disk of the data directory is full: the embedded Postgres cannot start",
    { retryAfterSeconds: 30, cause },
  );
