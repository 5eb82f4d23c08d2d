import { z } from "@hono/zod-openapi";
import { keyKinds } from "../../services/partitions/axis/key.ts";
import { retentionActions } from "../../services/partitions/policy.ts";
import { inputObject, nextCursor, orNull, TableName, Time } from "../common/shared.ts";

const known = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: not known` });
const intervalText = z.string().trim().min(1).max(100);
const clock = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, "must be a time such as 22:00");

/** Other spellings of the actions. */
const actionAliases: Record<string, string> = {
  archive: "archive-then-drop",
  archive_then_drop: "archive-then-drop",
  move_to_schema: "move",
  "move-to-schema": "move",
  "move to schema": "move",
};

const RetentionInput = inputObject({
  keep: intervalText.openapi({
    description: "An interval, or a number of ids",
    example: "90 days",
  }),
  action: z.preprocess(
    (value) => typeof value === "string" ? actionAliases[value] ?? value : value,
    z.enum(retentionActions),
  ),
  schema: z.string().min(1).max(63).optional().openapi({
    description: "The schema that `move` moves partitions to",
  }),
}).refine(({ action, schema }) => action !== "move" || schema !== undefined, {
  path: ["schema"],
  message: "move needs the schema to move to",
});

const Window = inputObject({
  days: z.array(z.int().min(1).max(7)).min(1).max(7).optional().openapi({
    description: "ISO days of the week, 1 is Monday; default: every day",
  }),
  from: clock,
  to: clock,
}).openapi("MaintenanceWindow");

export const PolicyInput = inputObject({
  table: z.string().optional().openapi({
    description:
      "The table of the path; allowed here so that an answer can be sent back as a request",
  }),
  interval: intervalText.openapi({ example: "1 day" }),
  sub_interval: intervalText.nullable().optional().openapi({
    description:
      "Length of sub-partitions: each partition is partitioned itself and is created with all its sub-partitions. For thousands of partitions, such as a year of hours in months",
  }),
  time_zone: z.string().min(1).max(64).default("UTC"),
  key: z.enum(keyKinds),
  premake: z.int().min(0).max(20_000).default(7),
  retention: RetentionInput.nullable().default(null),
  cooldown: intervalText.default("7 days"),
  seal: z.boolean().default(false),
  enabled: z.boolean().default(true),
  windows: z.array(Window).min(1).max(20).nullable().optional(),
}).openapi("PartitionPolicyInput");

export const Policy = z.object({
  table: z.string(),
  interval: z.string(),
  sub_interval: z.string().optional(),
  time_zone: z.string(),
  key: z.enum(keyKinds),
  premake: z.int(),
  retention: z.object({
    keep: z.string(),
    action: z.enum(retentionActions),
    schema: z.string().optional(),
  }).nullable(),
  cooldown: z.string(),
  seal: z.boolean(),
  enabled: z.boolean(),
  windows: z.array(Window).optional(),
}).openapi("PartitionPolicy");

export const PolicyList = z.object({ policies: z.array(Policy), next_cursor: nextCursor })
  .openapi("PartitionPolicyList");

const position = z.string().openapi({
  description: "RFC 3339 if the key is a time; the id if it is a number",
});

export const PartitionTable = z.object({
  table: z.string(),
  policy: orNull(Policy),
  partitions: z.int(),
  rows_estimate: known("Estimate of rows"),
  bytes: z.number(),
  runway_seconds: known("Time until inserts find no partition"),
  holes: z.array(z.object({ from: position, to: position })),
  default_rows: known("Rows in the default partition, counted up to 1,000, then estimated"),
  last_rotation_at: Time.nullable(),
  sealed: z.int(),
  problems: z.array(z.string()),
  recommendations: z.array(z.object({
    title: z.string(),
    detail: z.string(),
    interval: z.string(),
    bytes_per_partition: z.number(),
    expected_bytes_per_partition: z.number(),
    partitions: z.int(),
    expected_partitions: z.int(),
  })).openapi({ description: "Recommendation of another interval, from measured sizes" }),
  children: z.array(z.object({
    partition: z.string(),
    from: position.nullable(),
    to: position.nullable(),
    state: z.enum(["planned", "hot", "sealing", "sealed", "detached", "archived"]),
    rows_estimate: known("Estimate of rows"),
    bytes: z.number(),
    sealed_at: Time.nullable(),
    is_default: z.boolean().openapi({
      description:
        "default: the default partition, which has no range and holds the rows of no other partition",
    }),
    problem: z.string().nullable().openapi({
      description: "What the last verification of a sealed partition found wrong",
    }),
  })),
}).openapi("PartitionTable");

export const PartitionTableList = z.object({
  tables: z.array(PartitionTable),
  next_cursor: nextCursor,
}).openapi("PartitionTableList");

const Skipped = z.object({ table: z.string(), reason: z.string() });

export const PlanRequest = inputObject({
  table: TableName.optional().openapi({
    description: "schema.name; default: all tables",
  }),
}).openapi("PartitionPlanRequest");

export const PartitionPlan = z.object({
  digest: z.string().openapi({
    description: "SHA-256 of the relevant part of the catalogue and of the statements",
  }),
  statements: z.array(z.object({
    table: z.string(),
    partition: z.string(),
    action: z.enum(["finalize", "attach", "drain", "detach", "seal", "archive", "move", "drop"]),
    step: z.int().openapi({ description: "Statements of one step succeed or fail together" }),
    sql: z.string(),
    lock: z.string(),
    reason: z.string(),
    held: z.boolean().openapi({
      description: "Held back: the warnings say why; only apply with confirm does it",
    }),
    estimate: z.object({ rows: z.number(), bytes: z.number(), seconds: z.number() }),
  })),
  skipped: z.array(Skipped),
  warnings: z.array(z.string()),
}).openapi("PartitionPlan");

export const ApplyRequest = inputObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/, "must be the digest of a plan"),
  table: PlanRequest.shape.table,
  confirm: z.boolean().default(false).openapi({
    description:
      "Also carries out what is held back: large removals, removals of a table's newest rows, and steps decided by an untrusted clock. The present time is trusted from then on",
  }),
}).openapi("PartitionApplyRequest");

export const ApplyAnswer = z.object({
  applied: z.int().openapi({ description: "Statements carried out" }),
  skipped: z.array(Skipped),
}).openapi("PartitionApplyAnswer");

export const MaintenanceLog = z.object({
  entries: z.array(z.object({
    id: z.string(),
    at: Time,
    action: z.string(),
    table: z.string(),
    partition: z.string().nullable(),
    reason: z.string(),
    duration_ms: z.number(),
    error: z.string().nullable(),
    sql: z.string().nullable(),
  })),
  next_cursor: nextCursor,
}).openapi("MaintenanceLog");

export const ConvertRequest = inputObject({
  table: TableName.openapi({
    description: "schema.name, unquoted",
    example: "app.events",
  }),
  action: z.enum(["plan", "start", "undo", "finish", "cancel"]).default("plan").openapi({
    description:
      "plan changes nothing (the old form of ?dry_run=true); start needs the plan's digest; undo and finish come after the swap, cancel before it. finish drops the old table",
  }),
  digest: ApplyRequest.shape.digest.optional(),
  key_column: z.string().min(1).max(63).optional().openapi({
    description: "Column to partition by; required by plan and start",
  }),
  widen_keys: z.boolean().default(false).openapi({
    description: "Add the key column to primary keys and unique constraints that lack it",
  }),
  policy: PolicyInput.optional().openapi({
    description: "Policy of the new partitioned table; required by plan and start",
  }),
}).superRefine(({ action, digest, key_column, policy }, context) => {
  const need = (path: string, given: unknown) => {
    if (given === undefined) {
      context.addIssue({ code: "custom", path: [path], message: `${action} needs it` });
    }
  };
  if (action !== "plan" && action !== "start") return;
  need("key_column", key_column);
  need("policy", policy);
  if (action === "start") need("digest", digest);
}).openapi("PartitionConvertRequest");

export const Conversion = z.object({
  id: z.string(),
  kind: z.enum(["convert", "drain"]),
  table: z.string(),
  phase: z.enum([
    "copying",
    "replaying",
    "verifying",
    "waiting",
    "swapped",
    "undoing",
    "finishing",
    "cancelling",
    "cleaning",
    "undone",
    "finished",
    "cancelled",
    "failed",
  ]).openapi({
    description:
      "failed: a permanent error ended the conversion before the swap, and it was undone; failure has the reason",
  }),
  progress: z.number().openapi({
    description: "Share of the old table that has been copied, 0 to 1",
  }),
  rows_copied: z.int(),
  changes_applied: z.int(),
  rows_verified: z.int().nullable(),
  content_hash: z.string().nullable().openapi({
    description: "Content hash of both tables, compared in one snapshot before the swap",
  }),
  lock_ms: z.number().nullable().openapi({
    description: "Longest time that writers were blocked",
  }),
  waits_for: z.string().nullable(),
  error: z.string().nullable(),
  failure: orNull(
    z.object({
      sqlstate: z.string().nullable(),
      message: z.string(),
      detail: z.string().nullable(),
      constraint: z.string().nullable(),
      column: z.string().nullable(),
      phase: z.string().openapi({ description: "The phase that failed" }),
      at: Time,
    }).openapi("PartitionMoveFailure"),
  ),
  undoable: z.boolean(),
  started_at: Time,
  updated_at: Time,
  ended_at: Time.nullable(),
}).openapi("PartitionConversion");

export const ConversionList = z.object({
  conversions: z.array(Conversion),
  next_cursor: nextCursor,
}).openapi("PartitionConversionList");

export const ConversionAnswer = z.object({
  table: z.string(),
  digest: z.string().nullable(),
  refusals: z.array(z.string()).openapi({
    description: "Why the table cannot be converted, each reason with its remedy",
  }),
  partitions: z.array(z.string()),
  statements: z.array(z.object({
    phase: z.string(),
    sql: z.string(),
    lock: z.string(),
    reason: z.string(),
  })),
  estimate: z.object({ rows: z.number(), bytes: z.number(), seconds: z.number() }).nullable(),
  conversion: z.union([Conversion, z.null()]),
}).openapi("PartitionConversionAnswer");
