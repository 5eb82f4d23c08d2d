import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { streamBaseBackup } from "../../../db/backups/base_backup.ts";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { openWalsender, type Walsender } from "../../../db/backups/walsender.ts";
import type { Target } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Progress } from "../job.ts";
import { type BackupRecord, emptyRecord } from "../record.ts";
import type { BackupRepository } from "../repository.ts";
import { ensureFreeSpace, replaceDurably } from "./files.ts";
import { compareFiles, type FoundFile, readManifest } from "./manifest.ts";
import { createTarReader } from "./tar.ts";

export const archiveName = "base.tar.gz";
export const manifestName = "backup_manifest";

/** Creates a reader that hashes each file of a tar archive as its bytes pass. */
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

interface BaseBackupOptions {
  target: Target;
  repository: BackupRepository;
  facts: ServerFacts;
  id: string;
  embedded: boolean;
  maxRateKb: number | undefined;
  now: () => Date;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/**
 * Streams a base backup into the repository: compressed on the fly, each file checked against the server's manifest, and
 * published only when it is complete and flushed. Throws on any difference, and publishes nothing then.
 */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BackupRecord> {
  const { target, repository, facts, id, embedded, now, signal } = options;
  const startedAt = now();
  const began = performance.now();
  const folder = await repository.begin({ ...facts, id });
  // Compression leaves at most a third of ticks and their indexes.
  await ensureFreeSpace(folder, (facts.bytes ?? 0) / 3, "a backup");
  const session = await openWalsender(target, signal);
  const streamed = await writeArchive(session, join(folder, archiveName), options)
    .finally(() => session.close());
  const { start, endLsn, manifest, rawBytes, archive } = streamed;
  const problems = compareFiles(readManifest(manifest), streamed.files);
  if (problems.length > 0 || !start || !endLsn) {
    throw new HoldfastError("internal", `The backup arrived damaged: ${problems.join("; ")}`);
  }
  await replaceDurably(join(folder, manifestName), manifest);
  const manifestSha = createHash("sha256").update(manifest).digest("hex");
  const record: BackupRecord = {
    ...emptyRecord({
      id,
      kind: "base",
      status: "complete",
      system: facts.system,
      server_version: facts.version,
      embedded,
      database: facts.database,
      started_at: startedAt.toISOString(),
      segment_bytes: facts.segmentBytes,
    }),
    finished_at: now().toISOString(),
    duration_seconds: (performance.now() - began) / 1000,
    start_lsn: start.lsn,
    end_lsn: endLsn,
    timeline: start.timeline,
    first_xid: facts.firstXid,
    bytes: archive.bytes + manifest.length,
    raw_bytes: rawBytes,
    files: {
      [archiveName]: archive,
      [manifestName]: { bytes: manifest.length, sha256: manifestSha },
    },
    verified_at: now().toISOString(),
  };
  await repository.publish(record);
  return record;
}

/** Compresses the server's stream into the file at `path`, and hashes what passes before and after compression. */
async function writeArchive(
  session: Walsender,
  path: string,
  { id, maxRateKb, signal, onProgress }: BaseBackupOptions,
) {
  const hasher = createTarHasher();
  const manifest: Uint8Array[] = [];
  const hash = createHash("sha256");
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
  const file = await open(path, "w", 0o600);
  try {
    await pipeline(archive, createGzip({ level: 1 }), async (source) => {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
    });
    await file.sync();
  } finally {
    await file.close();
  }
  // Before version 15 the server leaves the end of the archive to the client.
  if (session.version >= 150_000) hasher.end();
  return {
    start,
    endLsn,
    manifest: Buffer.concat(manifest),
    rawBytes,
    archive: { bytes, sha256: hash.digest("hex") },
    files: hasher.found,
  };
}
