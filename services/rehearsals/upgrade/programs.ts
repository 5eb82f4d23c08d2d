import { existsSync, statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import process from "node:process";
import { findPrograms, linkLibraries } from "../../../db/embedded/binaries.ts";
import { runCommand, unprivilegedUser } from "../../../db/embedded/command.ts";
import { sharedHome } from "../../../db/embedded/place.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { findPgDump } from "../../backups/base/pg_dump.ts";
import type { NewerPrograms } from "../rehearsal.ts";
import { refuse } from "../request.ts";

/** Names the Postgres that Holdfast brings, in place of a directory. */
export const embeddedBin = "embedded";

const field = "to_bin";
const needed = ["pg_ctl", "initdb", "postgres"];

/** Returns whether a file exists; one that Deno's permissions hide counts as missing. */
function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return false;
  }
}

/** Refuses a program that does not exist, or that another user could replace. */
function checkProgram(path: string): void {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    const missing = (error as { code?: unknown }).code === "ENOENT";
    refuse(
      field,
      missing
        ? `there is no ${path}; name the directory that holds ${needed.join(", ")}`
        : `${path} cannot be read: ${messageOf(error)}`,
    );
  }
  const isOurs = found.uid === 0 || found.uid === process.getuid?.();
  if (!isOurs || (found.mode & 0o022) !== 0) {
    refuse(field, `${path} may be changed by other users; it must be writable by its owner only`);
  }
}

/** Returns the major version of `pg_ctl`. */
async function majorOf(pgCtl: string): Promise<number> {
  const as = unprivilegedUser();
  const who = as ? ` as the user of the copies (uid ${as.uid})` : "";
  let output = "";
  try {
    ({ output } = await runCommand(pgCtl, ["--version"], { as, timeoutMs: 60_000 }));
  } catch (error) {
    refuse(
      field,
      `${pgCtl} cannot be run${who}: ${
        messageOf(error)
      }; use /usr/lib/postgresql/<version>/bin, or allow it with deno run --allow-run`,
    );
  }
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1]);
  if (!major) {
    refuse(field, `${pgCtl} does not tell its version${who}: ${output.trim().slice(-200)}`);
  }
  return major;
}

/** Finds a pg_dump that reads `from` and whose output `to` understands: that of the newer version first. */
function findDump(bin: string, from: number, to: number): string | undefined {
  const versions = Array.from({ length: to - from + 1 }, (_, at) => to - at);
  const places = [bin, ...versions.map((version) => `/usr/lib/postgresql/${version}/bin`)];
  return places.map((place) => join(place, "pg_dump")).find(isThere) ??
    findPgDump(from);
}

/**
 * Finds the programs in `bin`, an absolute path or the word "embedded", for a rehearsal of the upgrade from version `from`.
 * Throws `invalid_request` that says what is missing: programs, a newer version, a pg_dump.
 */
export async function findNewerPrograms(bin: string, from: number): Promise<NewerPrograms> {
  const isEmbedded = bin === embeddedBin;
  if (!isEmbedded && !isAbsolute(bin)) {
    refuse(field, `must be an absolute path or "${embeddedBin}", not ${bin}`);
  }
  const pgCtl = isEmbedded
    ? (await findPrograms({ as: unprivilegedUser(), home: sharedHome })).pgCtl
    : join(bin, "pg_ctl");
  const folder = dirname(pgCtl);
  if (!isEmbedded) { for (const name of needed) checkProgram(join(folder, name)); }
  // npm's packages lack some links until they are made.
  const native = dirname(folder);
  if (isThere(join(native, "pg-symlinks.json"))) await linkLibraries(native);
  const major = await majorOf(pgCtl);
  if (major <= from) {
    refuse(
      field,
      `${folder} has Postgres ${major}; the server runs ${from}, so a newer one is needed`,
    );
  }
  const pgDump = findDump(folder, from, major);
  if (!pgDump) {
    refuse(
      field,
      `pg_dump of Postgres ${from} or later is needed; install Debian's postgresql-client-${from}`,
    );
  }
  return { major, pgCtl, pgDump };
}

/**
 * Returns why the upgrade from version `from` cannot be rehearsed with the programs in `bin`, and what to do; undefined where
 * it can.
 */
export async function whyUnusable(bin: string, from: number): Promise<string | undefined> {
  try {
    await findNewerPrograms(bin, from);
    return undefined;
  } catch (error) {
    const [problem] = error instanceof HoldfastError ? error.problems : [];
    return problem?.message ?? messageOf(error);
  }
}
