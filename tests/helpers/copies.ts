import { createHash } from "node:crypto";
import { join } from "node:path";
import { openBucket } from "../../services/backups/s3/client/bucket.ts";
import { copyBackup, copyWal } from "../../services/backups/s3/transfer.ts";
import { readInventory } from "../../services/backups/s3/inventory.ts";
import type { BackupRecord } from "../../services/backups/record.ts";
import { segmentOf } from "../../services/backups/wal/segments.ts";
import { startStorage, type TestStorage } from "./storage.ts";

export const MiB = 1024 * 1024;
export const system = "7450000000000000001";
export const { signal } = new AbortController();
export const retries = { attempts: 3, firstWaitMs: 1 };

/** In hex. */
export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that do not repeat. */
export function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  }
  return bytes;
}

/** A storage, its bucket, and a folder for files, for as long as `work` takes. */
export async function withStorage(
  work: (
    given: { storage: TestStorage; bucket: ReturnType<typeof openBucket>; dir: string },
  ) => Promise<void>,
): Promise<void> {
  const storage = startStorage();
  const dir = await Deno.makeTempDir({ prefix: "holdfast-s3-" });
  try {
    await work({ storage, bucket: openBucket({ place: storage.place, retries }), dir });
  } finally {
    await storage.stop();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Writes a file, and answers what is expected of its copy. */
export async function fileOf(dir: string, name: string, bytes: Uint8Array) {
  const path = join(dir, name);
  await Deno.writeFile(path, bytes);
  return { path, expected: { bytes: bytes.length, sha256: sha256(bytes) } };
}

/** A backup of two small files, proven or not, so many hours after the first. */
export function recordAt(
  hour: number,
  proven: boolean,
  files: BackupRecord["files"],
): BackupRecord {
  const at = new Date(Date.parse("2026-01-31T00:00:00Z") + hour * 3_600_000);
  const iso = at.toISOString();
  return {
    id: `${iso.replace(/[-:]|\.\d+/g, "")}-${String(hour).padStart(6, "0")}`,
    kind: "base",
    status: "complete",
    system,
    server_version: 180004,
    embedded: true,
    database: "holdfast",
    started_at: iso,
    finished_at: iso,
    duration_seconds: 1,
    start_lsn: `0/${(hour + 2).toString(16).toUpperCase()}000028`,
    end_lsn: `0/${(hour + 2).toString(16).toUpperCase()}000120`,
    timeline: 1,
    segment_bytes: 16 * MiB,
    first_xid: "7",
    bytes: 1,
    raw_bytes: 1,
    files,
    proof: proven ? { at: iso, recovery_seconds: 1, problems: [], notes: [] } : null,
    verified_at: null,
    problems: [],
  };
}

/** Copies of backups taken at these hours, and WAL from the first on. */
export async function withCopies(
  states: boolean[],
  work: (given: {
    storage: TestStorage;
    bucket: ReturnType<typeof openBucket>;
    dir: string;
    records: BackupRecord[];
  }) => Promise<void>,
): Promise<void> {
  await withStorage(async ({ storage, bucket, dir }) => {
    const inventory = await readInventory(bucket, system);
    const copying = { bucket, inventory, signal };
    const files: BackupRecord["files"] = {};
    for (const name of ["base.tar.gz", "backup_manifest"]) {
      files[name] = (await fileOf(dir, name, noise(5_000))).expected;
    }
    const records = states.map((proven, hour) => recordAt(hour, proven, files));
    for (const record of records) {
      const given = { record, path: dir, onBytes: () => {} };
      await copyBackup(copying, given);
    }
    for (let n = 2; n < states.length + 3; n++) {
      const name = segmentOf(1, BigInt(n) * 16n * BigInt(MiB), 16 * MiB);
      const bytes = noise(100);
      const file = `${name}.${sha256(bytes)}.gz`;
      await fileOf(dir, file, bytes);
      await copyWal(copying, { system, archive: dir, name, file, sha256: sha256(bytes) });
    }
    await work({ storage, bucket, dir, records: records.reverse() });
  });
}
