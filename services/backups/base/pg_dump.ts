import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { forPrograms } from "../../../db/address/programs.ts";
import type { Target } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";
import { type BackupRecord, emptyRecord } from "../record.ts";
import type { BackupRepository } from "../repository.ts";
import { ensureFreeSpace, hashFile } from "./files.ts";

export const dumpName = "database.dump";
const newestMajor = 18;

/** Finds a pg_dump that is new enough for a server: Debian's by version first, then the one on PATH. */
export function findPgDump(major: number): string | undefined {
  const versions = Array.from({ length: newestMajor - major + 1 }, (_, at) => major + at);
  const debian = versions.map((version) => `/usr/lib/postgresql/${version}/bin/pg_dump`);
  const found = debian.find((path) => existsSync(path));
  if (found) return found;
  // Its version is unknown; pg_dump itself refuses a newer server.
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "pg_dump"))
    .find((path) => isThere(path));
}

/** Returns whether a file exists; one that Deno's permissions hide counts as missing. */
function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return false;
  }
}

/** Dumps the database with pg_dump (custom format), for roles that may not replicate. Throws pg_dump's last message. */
export async function takeLogicalBackup(
  { target, repository, facts, id, now, signal }: {
    target: Target;
    repository: BackupRepository;
    facts: ServerFacts;
    id: string;
    now: () => Date;
    signal: AbortSignal;
  },
): Promise<BackupRecord> {
  const major = Math.floor(facts.version / 10_000);
  const program = findPgDump(major);
  if (!program) {
    throw new HoldfastError(
      "conflict",
      `This machine has no pg_dump of Postgres ${major} or later`,
    );
  }
  const startedAt = now();
  const began = performance.now();
  const folder = await repository.begin({ ...facts, id });
  await ensureFreeSpace(folder, (facts.bytes ?? 0) / 3, "a dump");
  const path = join(folder, dumpName);
  await runPgDump(program, target, path, signal);
  const handle = await open(path, "r+");
  await handle.sync().finally(() => handle.close());
  const found = await hashFile(path);
  const record: BackupRecord = {
    ...emptyRecord({
      id,
      kind: "logical",
      status: "complete",
      system: facts.system,
      server_version: facts.version,
      embedded: false,
      database: facts.database,
      started_at: startedAt.toISOString(),
      segment_bytes: facts.segmentBytes,
    }),
    finished_at: now().toISOString(),
    duration_seconds: (performance.now() - began) / 1000,
    bytes: found.bytes,
    raw_bytes: found.bytes,
    files: { [dumpName]: found },
    verified_at: now().toISOString(),
  };
  await repository.publish(record);
  return record;
}

async function runPgDump(
  program: string,
  target: Target,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { conninfo, env } = forPrograms(target);
  const args = ["--format", "custom", "--file", path, "--no-password", "--dbname", conninfo];
  await spawnPgDump(program, { args, env, signal });
}

/** Runs pg_dump. Throws `conflict` with its last message where it fails. */
export async function spawnPgDump(
  program: string,
  { args, env, signal }: { args: string[]; env: Record<string, string>; signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kill = () => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  let errors = "";
  child.stderr.on("data", (chunk: unknown) => errors = (errors + String(chunk)).slice(-2_000));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => signal.removeEventListener("abort", kill));
  signal.throwIfAborted();
  if (code !== 0) {
    throw new HoldfastError(
      "conflict",
      `pg_dump failed: ${errors.trim().split("\n").at(-1) ?? code}`,
    );
  }
}
