import { z } from "@hono/zod-openapi";
import { inputObject, nextCursor, Time } from "../common/shared.ts";

const known = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: not known` });

const BackupCopy = z.object({
  state: z.enum(["none", "pending", "copying", "done", "failed"]).openapi({
    description: "none: nothing is copied; failed: it is tried again",
  }),
  at: Time.nullable().openapi({ description: "When it was last written whole" }),
  done_bytes: z.number().nullable().openapi({ description: "While it is copied" }),
  total_bytes: z.number().nullable().openapi({ description: "While it is copied" }),
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
  duration_seconds: known("What it took"),
  start_lsn: z.string().nullable(),
  end_lsn: z.string().nullable(),
  timeline: z.int().nullable(),
  verified_at: Time.nullable().openapi({ description: "When its files were last checked" }),
  proven_at: Time.nullable().openapi({
    description: "When it was last restored on trial, and well",
  }),
  recovery_seconds: known("From the first byte read to a server that answers, at the last trial"),
  progress: z.object({
    step: z.string(),
    done_bytes: z.number(),
    total_bytes: known("As the server estimates it"),
  }).nullable(),
  copy: BackupCopy.openapi({ description: "Its copy in the S3-compatible storage" }),
  problems: z.array(z.string()),
  notes: z.array(z.string()).openapi({ description: "What the last trial checked" }),
}).openapi("Backup");

export const BackupList = z.object({
  backups: z.array(Backup),
  next_cursor: nextCursor,
}).openapi("BackupList");

export const BackupStart = inputObject({
  kind: z.enum(["base", "logical"]).optional().openapi({
    description: "Left out: base where the role may replicate, else logical (pg_dump)",
  }),
}).openapi("BackupStart");

export const BackupCheck = inputObject({
  restore: z.boolean().default(true).openapi({
    description: "Restore it on trial too, not only check its files",
  }),
}).openapi("BackupCheck");

export const BackupHealth = z.object({
  scheduled: z.boolean(),
  last_backup_at: Time.nullable(),
  last_backup_bytes: known("Size of the newest whole backup"),
  last_backup_seconds: known("What it took"),
  last_proven_restore_at: Time.nullable(),
  recovery_seconds: known("Measured recovery time of the last proven restore"),
  backup_age_seconds: known("Age of the newest whole backup, or time without any"),
  unproven_seconds: known("Age of the newest proven backup, or time without any"),
  archive_enabled: z.boolean(),
  archive_lag_seconds: known("Age of the oldest finished WAL segment that is not archived"),
  backups: z.int(),
  proven: z.int(),
  copy_enabled: z.boolean(),
  last_copy_at: Time.nullable().openapi({ description: "When the newest copied backup began" }),
  copy_age_seconds: known("Age of the newest copied backup, or time without any"),
  copy_lag_seconds: known("Age of the oldest archived WAL that is not copied"),
  copies: z.int().openapi({ description: "Whole backups in the S3-compatible storage" }),
  copy_failures: z.int().openapi({ description: "Since this Holdfast started" }),
  copied_bytes: z.number().openapi({ description: "Since this Holdfast started" }),
  copy_problem: z.string().nullable(),
  problems: z.array(z.string()),
}).openapi("BackupHealth");
