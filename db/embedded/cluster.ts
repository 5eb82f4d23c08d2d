import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { StartError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { codeOf } from "../errors.ts";
import type { Binaries } from "./binaries.ts";
import { type RunAs, runCommand } from "./command.ts";
import { closeHome, noSpace, ownedDirectory, ownedFile, replaceFile } from "./files.ts";
import { closeAccess } from "./host_access.ts";
import { type Place, sharedHome, upgradeFolder } from "./place.ts";
import { ensureSecrets, type Secrets, superuser } from "./secrets.ts";
import { major } from "./session.ts";
import { serverSettings } from "./settings.ts";
import { isInterrupted, whyItIsNotMade } from "./start_failure.ts";

/** Returns the output of a program as one line. */
export const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, " | ");

export interface ClusterOptions {
  binaries: Binaries;
  place: Place;
  as: RunAs | undefined;
  /** Seconds after which an unfinished WAL segment with changes is archived; 0: WAL is never archived. */
  walSeconds: number;
  log: Logger;
}

/** Makes a new cluster whose superuser has its password from the first moment. */
async function initialise(
  { binaries, place, as, secrets }: {
    binaries: Binaries;
    place: Place;
    as: RunAs | undefined;
    secrets: Secrets;
  },
): Promise<void> {
  // A name of its own: the initdb of a Holdfast that was killed may still be writing.
  const home = dirname(place.cluster);
  const partial = `${place.cluster}.partial-${process.pid}`;
  for (const name of await readdir(home)) {
    if (name.startsWith("postgres.partial")) {
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 });
    }
  }
  await ownedDirectory(partial, 0o700, as);
  const passwordFile = `${partial}.password`;
  await ownedFile(passwordFile, `${secrets.superuser}\n`, "write", as);
  const { code, signal, output } = await runCommand(binaries.initdb, [
    "--pgdata",
    partial,
    "--username",
    superuser,
    "--auth",
    "scram-sha-256",
    "--pwfile",
    passwordFile,
    "--encoding",
    "UTF8",
    "--locale-provider",
    "builtin",
    "--builtin-locale",
    "C.UTF-8",
    "--locale",
    "C",
    "--data-checksums",
  ], { as, timeoutMs: 120_000 }).finally(() => rm(passwordFile, { force: true }));
  if (code !== 0) {
    // Ctrl-C and a closed terminal reach initdb as well, and may end it before this process gets the signal.
    if (isInterrupted(signal, output)) throw new Error("initdb was interrupted");
    const why = whyItIsNotMade(output, as?.uid ?? process.getuid?.());
    if (why !== undefined) throw new StartError(why);
    throw new StartError(`initdb failed (exit ${code}): ${oneLine(output).slice(-400)}`);
  }
  await writeFile(join(partial, "pg_hba.conf"), closeAccess(""));
  await writeFile(
    join(partial, "postgresql.conf"),
    readFileSync(join(partial, "postgresql.conf"), "utf8") + "\ninclude 'holdfast.conf'\n",
  );
  // A crash before this line leaves only a partial directory, which the next start removes.
  await rename(partial, place.cluster);
}

export const readHostAccess = (place: Place) =>
  readFile(join(place.cluster, "pg_hba.conf"), "utf8");

/** Writes the settings of the server; with those of archiving once there is a spool. */
export async function writeSettings(
  { place, as, walSeconds }: Pick<ClusterOptions, "place" | "as" | "walSeconds">,
): Promise<void> {
  const archives = walSeconds > 0 && existsSync(place.spool);
  const text = serverSettings(place, archives ? { everySeconds: walSeconds } : undefined);
  await replaceFile(join(place.cluster, "holdfast.conf"), text, as);
}

/** Makes the cluster where there is none. Throws a StartError where it is of another version of Postgres. */
async function ensureCluster(
  { binaries, place, as, log }: ClusterOptions,
  secrets: Secrets,
): Promise<void> {
  const { cluster } = place;
  const versionFile = join(cluster, "PG_VERSION");
  if (!existsSync(versionFile)) {
    if (existsSync(join(dirname(cluster), upgradeFolder, "postgres", "PG_VERSION"))) {
      throw new StartError(
        `An upgrade of ${cluster} was interrupted at its last step; run deno task upgrade again`,
      );
    }
    if (existsSync(cluster) && (await readdir(cluster)).length > 0) {
      throw new StartError(`${cluster} is not empty and holds no Postgres cluster; move it away`);
    }
    await rm(cluster, { recursive: true, force: true });
    log.info("embedded_postgres_initialising", { directory: cluster });
    await initialise({ binaries, place, as, secrets });
  }
  const found = readFileSync(versionFile, "utf8").trim();
  if (found !== major) {
    const remedy = Number(found) < Number(major)
      ? "deno task upgrade --dry-run shows how it is moved to that version"
      : "use the Holdfast that made it";
    throw new StartError(
      `${cluster} was made by Postgres ${found}, this Holdfast brings ${major}; ${remedy} (docs/rollback-and-upgrade.md)`,
    );
  }
}

async function prepare(options: ClusterOptions): Promise<Secrets> {
  const { place, as, log } = options;
  const home = dirname(place.cluster);
  await mkdir(home, { recursive: true });
  if (dirname(home) === sharedHome) await chmod(sharedHome, 0o755);
  const kept = await closeHome(home, as);
  if (kept !== undefined) log.warn("data_directory_open", { directory: home, detail: kept });
  await ownedDirectory(place.sockets, 0o700, as);
  await ownedFile(place.log, "", "append", as);
  const secrets = await ensureSecrets(place.passwords, as);
  await ensureCluster(options, secrets);
  await writeSettings(options);
  return secrets;
}

/**
 * Makes the directories, passwords, cluster and settings that a start needs. Throws `storage_full`, or a StartError where the
 * directory cannot be written or used.
 */
export async function prepareCluster(options: ClusterOptions): Promise<Secrets> {
  try {
    return await prepare(options);
  } catch (error) {
    if (codeOf(error) === "ENOSPC") throw noSpace(error);
    if (!["EACCES", "EPERM", "EROFS"].includes(codeOf(error))) throw error;
    throw new StartError(
      `This user may not write in ${
        dirname(options.place.cluster)
      }; run as its owner, or choose another HOLDFAST_DATA_DIR`,
      { cause: error },
    );
  }
}
