import { createHash } from "node:crypto";
import { z } from "zod";

/** How a restore of a backup went. */
const Proof = z.object({
  at: z.string(),
  recovery_seconds: z.number(),
  problems: z.array(z.string()),
  notes: z.array(z.string()),
});
export type Proof = z.infer<typeof Proof>;

/** What is known of one backup; it stands beside the backup's files and is the catalogue's only source. */
export const BackupRecord = z.object({
  id: z.string(),
  kind: z.enum(["base", "logical"]),
  status: z.enum(["complete", "failed", "corrupt"]),
  system: z.string(),
  server_version: z.number(),
  /** Where it came from: the embedded server's backups can be restored by Holdfast's own programs. */
  embedded: z.boolean(),
  database: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  duration_seconds: z.number().nullable(),
  start_lsn: z.string().nullable(),
  end_lsn: z.string().nullable(),
  timeline: z.number().nullable(),
  segment_bytes: z.number(),
  /** The oldest transaction that may have been under way when it began. */
  first_xid: z.string().nullable(),
  /** Bytes on disk, and before compression. */
  bytes: z.number(),
  raw_bytes: z.number(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
  proof: Proof.nullable(),
  verified_at: z.string().nullable(),
  problems: z.array(z.string()),
});
export type BackupRecord = z.infer<typeof BackupRecord>;

export const recordName = "backup.json";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** A record as text that tells when it was changed by anyone else. */
export function writeRecord(record: BackupRecord): string {
  const text = JSON.stringify(record, null, 2);
  return `${text}\n${digest(text)}\n`;
}

/** Reads a record; throws when it is damaged. */
export function readRecord(text: string): BackupRecord {
  const [, body = "", sum] = /^([\s\S]*)\n([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (digest(body) !== sum) throw new Error(`${recordName} is damaged: its own checksum is wrong`);
  return BackupRecord.parse(JSON.parse(body));
}

/** A backup has been proven when its last restore went well. */
export const isProven = ({ status, proof }: BackupRecord): boolean =>
  status === "complete" && proof !== null && proof.problems.length === 0;
