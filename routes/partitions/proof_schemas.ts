import { z } from "@hono/zod-openapi";
import { Manifest } from "../../services/partitions/sealing/manifest.ts";
import { inputObject, nextCursor, TableName as table, Time } from "../common/shared.ts";

const partition = z.string().min(1).max(200).refine((text) => !text.includes("\0"), "holds no NUL")
  .openapi({
    description: "The leaf's name, with or without its schema",
    example: "ticks_p20260315",
  });

export const VerifyRequest = inputObject({
  table: table.optional(),
  partition: partition.optional(),
  leaf: partition.optional().openapi({ description: "Another name for `partition`" }),
}).refine(
  ({ table, partition, leaf }) => table !== undefined || (partition ?? leaf) === undefined,
  { path: ["table"], message: "a partition needs its table" },
).openapi("PartitionVerifyRequest", { description: "Default: all sealed partitions" });

const Difference = z.object({
  from: z.string().nullable().openapi({
    description: "Key at which the stretch begins; null: the partition's own start",
  }),
  to: z.string().nullable(),
  kind: z.enum(["rows missing", "rows more", "content changed"]),
  rows: z.int(),
  expected_rows: z.int(),
});

export const Verification = z.object({
  status: z.enum(["running", "passed", "failed", "aborted"]),
  started_at: Time,
  finished_at: Time.nullable(),
  table: z.string().nullable(),
  progress: z.object({
    leaves: z.int(),
    leaves_done: z.int(),
    partition: z.string().nullable(),
    blocks: z.number(),
    blocks_done: z.number(),
  }),
  checked: z.int().openapi({ description: "Sealed partitions read" }),
  differing: z.int().openapi({
    description: "Number of partitions that differ from what was sealed",
  }),
  partitions: z.array(z.object({
    table: z.string(),
    partition: z.string(),
    status: z.enum(["intact", "open", "changed", "unreadable", "gone"]).openapi({
      description: "open: the content is unchanged, but writes are allowed",
    }),
    sealed_at: Time.nullable(),
    rows: z.number().nullable(),
    expected_rows: z.number().nullable(),
    content_hash: z.string().nullable(),
    expected_hash: z.string().nullable(),
    differences: z.array(Difference),
    unreadable: z.array(z.object({ from: z.number(), to: z.number(), error: z.string() })).openapi({
      description: "Blocks of the partition's file that the server could not read",
    }),
    problems: z.array(z.string()),
    duration_ms: z.number(),
  })),
  error: z.string().nullable(),
}).openapi("PartitionVerification");

export const OneLeaf = z.object({ table, partition });
export const SealManifest = z.object(Manifest.shape).openapi("PartitionManifest");

export const UnsealRequest = inputObject({
  table,
  partition,
  hold_seconds: z.int().min(0).max(31_536_000).default(86_400).openapi({
    description: "How long the partition is not sealed again",
  }),
}).openapi("PartitionUnsealRequest");

export const ArchiveList = z.object({
  archives: z.array(z.object({
    table: z.string(),
    partition: z.string(),
    bound: z.string(),
    file: z.string().openapi({ description: "Path of the file below the archive directory" }),
    bytes: z.number(),
    sha256: z.string(),
    rows: z.number(),
    content_hash: z.string(),
    archived_at: Time,
    restored_at: Time.nullable(),
    dropped: z.boolean().openapi({
      description: "Whether the table that the archive was written from is dropped",
    }),
  })),
  next_cursor: nextCursor,
}).openapi("PartitionArchiveList");

export const RestoreRequest = inputObject({
  table,
  partition: partition.optional(),
  file: z.string().min(1).max(1_000).refine((text) => !text.includes("\0"), "holds no NUL")
    .optional().openapi({ description: "A .parquet below the archive directory" }),
  hold_seconds: z.int().min(0).max(31_536_000).default(604_800).openapi({
    description: "How long retention keeps the restored partition",
  }),
}).refine(
  ({ partition, file }) => (partition === undefined) !== (file === undefined),
  { path: ["partition"], message: "one of partition and file is needed" },
).openapi("PartitionRestoreRequest");

export const RestoreAnswer = z.object({
  table: z.string(),
  partition: z.string(),
  rows: z.number(),
  content_hash: z.string(),
  bound: z.string(),
  held_until: Time,
  duration_ms: z.number(),
}).openapi("PartitionRestored");
