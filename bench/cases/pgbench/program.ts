import { existsSync } from "node:fs";
import { forPrograms } from "../../../db/address/programs.ts";
import type { Target } from "../../../db/connection.ts";

const programs = [18, 17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin/pgbench`);

/** Finds the newest pgbench of Debian; the wrapper in /usr/bin works only with Debian's clusters. */
export function findPgbench(): string {
  const found = programs.find((path) => existsSync(path));
  if (!found) throw new Error("pgbench is not installed (Debian: postgresql-contrib)");
  return found;
}

/** Returns the libpq connection string of `target`, which pgbench accepts as the name of a database. */
export function conninfoOf(target: Target): string {
  if (target.kind === "url") return target.url;
  const { directory, port, user, database, passwordFile } = target;
  const secret = passwordFile === undefined ? "" : ` passfile=${passwordFile}`;
  return `host=${directory} port=${port} user=${user} dbname=${database}${secret}`;
}

/** Runs pgbench and returns its output; throws its error output. */
export async function runPgbench(
  target: Target,
  args: string[],
  program = findPgbench(),
): Promise<string> {
  const { conninfo, env } = forPrograms(target);
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, conninfo],
    env,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
