import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { forPrograms } from "../../../db/address/programs.ts";
import { listTableLocks, type TableLock } from "../../../db/backups/table_locks.ts";
import type { Target } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { type BackupRecord, emptyRecord } from "../record.ts";
import type { BackupRepository } from "../repository.ts";
import { ensureFreeSpace, hashFile } from "./files.ts";

export const dumpName = "database.dump";
const newestMajor = 18;
/** Longest wait for the lock of a table: while it lasts, the dump's snapshot keeps dead rows. */
const lockWaitMaxMs = 120_000;
/** Longest part of pg_dump's messages that is kept, and that an error quotes; characters. */
const keptMax = 100_000;
const quotedMax = 500;

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

/**
 * Dumps the database with pg_dump (custom format), for roles that may not replicate. Throws `conflict` with pg_dump's error,
 * and, after `lockWaitMs` milliseconds behind a lock, with the table and what to do.
 */
export async function takeLogicalBackup(
  { target, pool, repository, facts, id, now, signal, lockWaitMs = lockWaitMaxMs }: {
    target: Target;
    pool: Pick<Pool, "run">;
    repository: BackupRepository;
    facts: ServerFacts;
    id: string;
    now: () => Date;
    signal: AbortSignal;
    lockWaitMs?: number;
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
  await runPgDump(program, { target, pool, path, lockWaitMs, signal });
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
  { target, pool, path, lockWaitMs, signal }: {
    target: Target;
    pool: Pick<Pool, "run">;
    path: string;
    lockWaitMs: number;
    signal: AbortSignal;
  },
): Promise<void> {
  const { conninfo, env } = forPrograms(target);
  const wait = `--lock-wait-timeout=${lockWaitMs}`;
  const args = ["--format", "custom", "--file", path, wait, "--no-password", "--dbname", conninfo];
  try {
    await spawnPgDump(program, { args, env, signal });
  } catch (error) {
    // The server's own words may be in any language.
    if (signal.aborted || !messageOf(error).includes("LOCK TABLE ")) throw error;
    const locks = await pool.run(listTableLocks, { deadlineMs: 10_000 }).catch(() => []);
    throw locks.length > 0 ? lockedError(locks, lockWaitMs) : error;
  }
}

function lockedError(locks: readonly TableLock[], lockWaitMs: number): HoldfastError {
  const holders = locks.map(({ table, pid, application }) =>
    `${table} by ${
      pid === null
        ? "a prepared transaction (see pg_prepared_xacts)"
        : `session ${pid} (${application || "without application_name"})`
    }`
  );
  const pids = [...new Set(locks.flatMap(({ pid }) => pid ?? []))];
  const ends = pids.map((pid) => `select pg_terminate_backend(${pid})`).join("; ");
  return new HoldfastError(
    "conflict",
    `pg_dump waited ${lockWaitMs / 1_000} s for a table that is locked (ACCESS EXCLUSIVE): ${
      holders.join(", ")
    }. Let that transaction end${ends && `, or end it (${ends})`}, and take the backup again`,
  );
}

/** Runs pg_dump. Throws `conflict` with its error where it fails. */
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
  child.stderr.on("data", (chunk: unknown) => errors = (errors + String(chunk)).slice(-keptMax));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => signal.removeEventListener("abort", kill));
  signal.throwIfAborted();
  if (code !== 0) {
    throw new HoldfastError("conflict", `pg_dump failed: ${errorOf(errors) || code}`);
  }
}

/** Returns the error in pg_dump's messages: warnings come before it, the statement that failed after it. */
function errorOf(messages: string): string {
  const lines = messages.trim().split("\n");
  const first = lines.findIndex((line) => line.includes(" error: "));
  return lines.slice(first).join(" ").slice(0, quotedMax);
}
