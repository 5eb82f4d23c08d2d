import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { streamBaseBackup } from "../../../db/backups/base_backup.ts";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { openWalsender } from "../../../db/backups/walsender.ts";
import type { Target } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";
import { writeWhole } from "./files.ts";
import { compareFiles, type FoundFile, readManifest } from "./manifest.ts";
import type { BackupRecord } from "../record.ts";
import type { BackupStore } from "../backup_store.ts";
import { createTarReader } from "./tar.ts";

export const archiveName = "base.tar.gz";
export const manifestName = "backup_manifest";

export interface Progress {
  done_bytes: number;
  /** As the server estimates it; null when it does not. */
  total_bytes: number | null;
}

/** Room that must stay free beside a backup or a restore, in bytes. */
const reserve = 64 * 1024 * 1024;

/** Throws `storage_full` unless a disk has room for `bytes` and a reserve. */
export async function needRoom(path: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= bytes + reserve) return;
  const mb = (value: number) => `${Math.round(value / 1e6)} MB`;
  throw new HoldfastError(
    "storage_full",
    `Not enough room for ${what}: about ${mb(bytes)} and a reserve of ${mb(reserve)} are needed, ${
      mb(free)
    } are free`,
  );
}

/** Hashes each file of an archive as its bytes pass by. */
export function createTarHasher() {
  const found: FoundFile[] = [];
  let current: { path: string; size: number; hash: ReturnType<typeof createHash> } | undefined;
  const reader = createTarReader({
    entry({ path, kind, size }) {
      current = kind === "file" ? { path, size, hash: createHash("sha256") } : undefined;
    },
    data: (bytes) => void current?.hash.update(bytes),
    ended() {
      if (!current) return;
      const { path, size, hash } = current;
      found.push({ path, size, sha256: hash.digest("hex") });
    },
  });
  return { feed: reader.feed, end: reader.end, found };
}

/**
 * Streams a base backup into the store: compressed as it comes, each file checked against the server's manifest, and
 * given its name only when it is whole and on the disk. Throws when anything is amiss, and leaves nothing.
 */
export async function takeBaseBackup(
  { target, store, facts, id, embedded, maxRateKb, now, signal, onProgress }: {
    target: Target;
    store: BackupStore;
    facts: ServerFacts;
    id: string;
    embedded: boolean;
    maxRateKb: number | undefined;
    now: () => Date;
    signal: AbortSignal;
    onProgress: (progress: Progress) => void;
  },
): Promise<BackupRecord> {
  const startedAt = now();
  const began = performance.now();
  const place = await store.begin(facts.system, id);
  // Compressed it will be a fraction; a third is what ticks and their indexes came to at worst.
  await needRoom(place, (facts.bytes ?? 0) / 3, "a backup");
  const session = await openWalsender(target, signal);
  const hasher = createTarHasher();
  const manifest: Uint8Array[] = [];
  const packed = createHash("sha256");
  let start: { lsn: string; timeline: number; totalBytes: number } | undefined;
  let endLsn = "";
  let rawBytes = 0;
  let bytes = 0;
  async function* archive(): AsyncGenerator<Uint8Array> {
    for await (const event of streamBaseBackup(session, { label: `holdfast ${id}`, maxRateKb })) {
      signal.throwIfAborted();
      if (event.kind === "start") start = event;
      else if (event.kind === "end") endLsn = event.lsn;
      else if (event.kind === "manifest") manifest.push(new Uint8Array(event.bytes));
      else {
        rawBytes += event.bytes.length;
        await hasher.feed(event.bytes);
        onProgress({ done_bytes: rawBytes, total_bytes: start?.totalBytes || null });
        yield event.bytes;
      }
    }
  }
  const file = await open(join(place, archiveName), "w", 0o600);
  try {
    await pipeline(archive, createGzip({ level: 1 }), async (source) => {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        packed.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
    });
    await file.sync();
  } finally {
    await file.close();
    session.close();
  }
  // Before 15 the server leaves the end of the archive to the client.
  if (session.version >= 150_000) hasher.end();
  const manifestBytes = Buffer.concat(manifest);
  const problems = compareFiles(readManifest(manifestBytes), hasher.found);
  if (problems.length > 0 || !start || !endLsn) {
    throw new HoldfastError("internal", `The backup came damaged: ${problems.join("; ")}`);
  }
  await writeWhole(join(place, manifestName), manifestBytes);
  const manifestSha = createHash("sha256").update(manifestBytes).digest("hex");
  const record: BackupRecord = {
    id,
    kind: "base",
    status: "complete",
    system: facts.system,
    server_version: facts.version,
    embedded,
    database: facts.database,
    started_at: startedAt.toISOString(),
    finished_at: now().toISOString(),
    duration_seconds: (performance.now() - began) / 1000,
    start_lsn: start.lsn,
    end_lsn: endLsn,
    timeline: start.timeline,
    segment_bytes: facts.segmentBytes,
    first_xid: facts.firstXid,
    bytes: bytes + manifestBytes.length,
    raw_bytes: rawBytes,
    files: {
      [archiveName]: { bytes, sha256: packed.digest("hex") },
      [manifestName]: { bytes: manifestBytes.length, sha256: manifestSha },
    },
    proof: null,
    verified_at: now().toISOString(),
    problems: [],
  };
  await store.publish(record);
  return record;
}
