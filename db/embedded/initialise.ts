import { readFileSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { StartError } from "../../errors.ts";
import type { Binaries } from "./binaries.ts";
import { type RunAs, runCommand } from "./command.ts";
import { ownedDirectory, ownedFile } from "./files.ts";
import { closeAccess } from "./host_access.ts";
import type { Place } from "./place.ts";
import { type Secrets, superuser } from "./secrets.ts";
import { whyItIsNotMade } from "./start_failure.ts";

/** The output of a program as one line. */
export const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, " | ");

/** Makes a new cluster whose superuser has its password from the first moment. */
export async function initialise(
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
  const { code, output } = await runCommand(binaries.initdb, [
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
