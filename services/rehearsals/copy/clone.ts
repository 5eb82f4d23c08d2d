import { constants } from "node:fs";
import { chmod, chown, copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { RunAs } from "../../../db/embedded/command.ts";

/** Files of one directory that are copied concurrently. */
const atOnce = 8;

/**
 * Copies the data directory of a stopped server; shares the blocks where the file system can. The copies are identical
 * byte for byte, so that every later difference comes from the change.
 */
export async function cloneCluster(
  from: string,
  to: string,
  { as, signal }: { as: RunAs | undefined; signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const own = async (path: string) => {
    if (as) await chown(path, as.uid, as.gid);
  };
  await mkdir(to, { recursive: true, mode: 0o700 });
  await chmod(to, 0o700);
  await own(to);
  const cloneOne = async (name: string) => {
    signal.throwIfAborted();
    const [source, target] = [join(from, name), join(to, name)];
    const found = await lstat(source);
    if (found.isDirectory()) await cloneCluster(source, target, { as, signal });
    else if (found.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (found.isFile()) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await own(target);
    }
  };
  const names = await readdir(from);
  for (let at = 0; at < names.length; at += atOnce) {
    await Promise.all(names.slice(at, at + atOnce).map(cloneOne));
  }
}
