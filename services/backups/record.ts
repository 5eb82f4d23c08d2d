import { createHash } from "node:crypto";
import { z } from "zod";

/** Result of a restore drill. */
const Proof = z.object({
  at: z.string(),
  recovery_seconds: z.number(),
  problems: z.array(z.string()),
  notes: z.array(z.string()),
});
export type Proof = z.infer<typeof Proof>;

/** Everything known of one backup. Its file beside the backup's files is the catalogue's only source. */
export const BackupRecord = z.object({
  id: z.string(),
  kind: z.enum(["base", "logical"]),
  status: z.enum(["complete", "failed", "corrupt"]),
  system: z.string(),
  server_version: z.number(),
  /** Whether it is of the embedded server: Holdfast brings the programs to restore it. */
  embedded: z.boolean(),
  database: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  duration_seconds: z.number().nullable(),
  start_lsn: z.string().nullable(),
  end_lsn: z.string().nullable(),
  timeline: z.number().nullable(),
  segment_bytes: z.number(),
  /** The oldest transaction that may have been open when it began. */
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

/** Returns a record without results: nothing measured, no files, no problems. */
export const emptyRecord = (
  identity: Pick<
    BackupRecord,
    | "id"
    | "kind"
    | "status"
    | "system"
    | "server_version"
    | "embedded"
    | "database"
    | "started_at"
    | "segment_bytes"
  >,
): BackupRecord => ({
  ...identity,
  finished_at: null,
  duration_seconds: null,
  start_lsn: null,
  end_lsn: null,
  timeline: null,
  first_xid: null,
  bytes: 0,
  raw_bytes: 0,
  files: {},
  proof: null,
  verified_at: null,
  problems: [],
});

export const recordName = "backup.json";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Serializes a record, with its fields in one order and a checksum that shows later changes. */
export function writeRecord(record: BackupRecord): string {
  const text = JSON.stringify(BackupRecord.parse(record), null, 2);
  return `${text}\n${digest(text)}\n`;
}

/** Parses a record. Throws when its checksum is wrong. */
export function readRecord(text: string): BackupRecord {
  const [, body = "", sum] = /^([\s\S]*)\n([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (digest(body) !== sum) throw new Error(`${recordName} is damaged: its own checksum is wrong`);
  return BackupRecord.parse(JSON.parse(body));
}

/** Returns whether a listed record was read from its file; otherwise nothing but its id and its problem is known. */
export const isReadable = ({ server_version }: BackupRecord): boolean => server_version !== 0;

/** Returns whether the last restore drill of a complete backup found no problem. */
export const isProven = ({ status, proof }: BackupRecord): boolean =>
  status === "complete" && proof !== null && proof.problems.length === 0;
