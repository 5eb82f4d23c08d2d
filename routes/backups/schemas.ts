import { z } from "@hono/zod-openapi";
import { inputObject, nextCursor, Time } from "../common/shared.ts";

const known = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: not known` });

const BackupCopy = z.object({
  state: z.enum(["none", "pending", "copying", "done", "failed"]).openapi({
    description:
      "none: nothing is to be copied; pending: it will be copied; failed: it will be retried",
  }),
  at: Time.nullable().openapi({ description: "When the copy was completed" }),
  done_bytes: z.number().nullable().openapi({ description: "Progress while it is copied" }),
  total_bytes: z.number().nullable().openapi({ description: "Progress while it is copied" }),
  problem: z.string().nullable(),
}).openapi("BackupCopy");

export const Backup = z.object({
  id: z.string().openapi({ example: "20260131T093000Z-1f3a5c" }),
  kind: z.enum(["base", "logical"]),
  status: z.enum(["running", "complete", "failed", "corrupt"]),
  bytes: z.number().openapi({ description: "On disk, compressed" }),
  raw_bytes: z.number().openapi({ description: "Before compression" }),
  started_at: Time,
  finished_at: Time.nullable(),
  duration_seconds: known("Duration"),
  start_lsn: z.string().nullable(),
  end_lsn: z.string().nullable(),
  timeline: z.int().nullable(),
  verified_at: Time.nullable().openapi({
    description: "When the backup's files were last checked",
  }),
  proven_at: Time.nullable().openapi({
    description: "When a restore drill last proved it",
  }),
  recovery_seconds: known(
    "Recovery time of the last drill: from the first byte read to a server that answers",
  ),
  progress: z.object({
    step: z.string(),
    done_bytes: z.number(),
    total_bytes: known("The server's estimate"),
  }).nullable(),
  copy: BackupCopy.openapi({ description: "Its copy in the S3-compatible storage" }),
  problems: z.array(z.string()),
  notes: z.array(z.string()).openapi({ description: "What the last drill checked" }),
}).openapi("Backup");

export const BackupList = z.object({
  backups: z.array(Backup),
  next_cursor: nextCursor,
}).openapi("BackupList");

export const BackupStart = inputObject({
  kind: z.enum(["base", "logical"]).optional().openapi({
    description: "Default: base where the role may replicate, else logical (pg_dump)",
  }),
}).openapi("BackupStart");

export const BackupCheck = inputObject({
  restore: z.boolean().default(true).openapi({
    description: "Run a restore drill too, not only check the files",
  }),
}).openapi("BackupCheck");

export const BackupHealth = z.object({
  scheduled: z.boolean(),
  last_backup_at: Time.nullable(),
  last_backup_bytes: known("Size of the newest complete backup"),
  last_backup_seconds: known("Duration"),
  last_proven_restore_at: Time.nullable(),
  recovery_seconds: known("Measured recovery time of the last proven restore"),
  backup_age_seconds: known("Age of the newest complete backup, or time without one"),
  unproven_seconds: known("Age of the newest proven backup, or time without one"),
  archive_enabled: z.boolean(),
  archive_lag_seconds: known("Age of the oldest finished WAL segment that is not archived"),
  backups: z.int(),
  proven: z.int(),
  copy_enabled: z.boolean(),
  last_copy_at: Time.nullable().openapi({ description: "Start of the newest copied backup" }),
  copy_age_seconds: known("Age of the newest copied backup, or time without one"),
  copy_lag_seconds: known("Age of the oldest archived WAL that is not copied"),
  copies: z.int().openapi({ description: "Complete backups in the S3-compatible storage" }),
  copy_failures: z.int().openapi({ description: "Since the start of this process" }),
  copied_bytes: z.number().openapi({ description: "Since the start of this process" }),
  copy_problem: z.string().nullable(),
  problems: z.array(z.string()),
}).openapi("BackupHealth");
