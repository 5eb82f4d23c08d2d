import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { forPrograms } from "../../../db/address/programs.ts";
import type { Target } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";
import { hashFile } from "./files.ts";
import type { BackupRecord } from "../record.ts";
import type { BackupStore } from "../backup_store.ts";
import { needRoom } from "./base_backup.ts";

export const dumpName = "database.dump";
const newestMajor = 18;

/** A pg_dump that is new enough for a server: Debian's by version first, then whatever PATH has. */
export function findPgDump(major: number): string | undefined {
  const versions = Array.from({ length: newestMajor - major + 1 }, (_, at) => major + at);
  const debian = versions.map((version) => `/usr/lib/postgresql/${version}/bin/pg_dump`);
  const found = debian.find((path) => existsSync(path));
  if (found) return found;
  // One of unknown version refuses an older server by itself, and says so.
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "pg_dump"))
    .find((path) => isThere(path));
}

/** Says whether a file is there; one that Deno's permissions hide is of no use. */
function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return false;
  }
}

/** Dumps the database with pg_dump (custom format), for roles that may not replicate. Throws what pg_dump says. */
export async function takeLogicalBackup(
  { target, store, facts, id, now, signal }: {
    target: Target;
    store: BackupStore;
    facts: ServerFacts;
    id: string;
    now: () => Date;
    signal: AbortSignal;
  },
): Promise<BackupRecord> {
  const program = findPgDump(Math.floor(facts.version / 10_000));
  if (!program) {
    throw new HoldfastError(
      "conflict",
      `No pg_dump of Postgres ${Math.floor(facts.version / 10_000)} or later is on this machine`,
    );
  }
  const startedAt = now();
  const began = performance.now();
  const place = await store.begin(facts.system, id);
  await needRoom(place, (facts.bytes ?? 0) / 3, "a dump");
  const file = join(place, dumpName);
  const { conninfo, env } = forPrograms(target);
  const child = spawn(program, [
    "--format",
    "custom",
    "--file",
    file,
    "--no-password",
    "--dbname",
    conninfo,
  ], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = () => void child.kill("SIGKILL");
  signal.addEventListener("abort", end, { once: true });
  let said = "";
  child.stderr.on("data", (chunk: unknown) => said = (said + String(chunk)).slice(-2_000));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  signal.removeEventListener("abort", end);
  signal.throwIfAborted();
  if (code !== 0) {
    throw new HoldfastError(
      "conflict",
      `pg_dump failed: ${said.trim().split("\n").at(-1) ?? code}`,
    );
  }
  const handle = await open(file, "r+");
  await handle.sync().finally(() => handle.close());
  const found = await hashFile(file);
  const record: BackupRecord = {
    id,
    kind: "logical",
    status: "complete",
    system: facts.system,
    server_version: facts.version,
    embedded: false,
    database: facts.database,
    started_at: startedAt.toISOString(),
    finished_at: now().toISOString(),
    duration_seconds: (performance.now() - began) / 1000,
    start_lsn: null,
    end_lsn: null,
    timeline: null,
    segment_bytes: facts.segmentBytes,
    first_xid: null,
    bytes: found.bytes,
    raw_bytes: found.bytes,
    files: { [dumpName]: found },
    proof: null,
    verified_at: now().toISOString(),
    problems: [],
  };
  await store.publish(record);
  return record;
}
