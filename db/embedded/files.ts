import { constants } from "node:fs";
import { chmod, chown, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import type { RunAs } from "./command.ts";

/** Makes a directory, of this mode, that the server's user owns. */
export async function ownedDirectory(
  path: string,
  mode: number,
  as: RunAs | undefined,
): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
  if (as) await chown(path, as.uid, as.gid);
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
