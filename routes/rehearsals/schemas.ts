import { z } from "@hono/zod-openapi";
import { profileNames } from "../../services/benchmarks/case.ts";
import {
  parameterSources,
  rehearsalVerdicts,
  statementVerdicts,
} from "../../services/rehearsals/rehearsal.ts";
import { rehearsalStatuses } from "../../services/rehearsals/state.ts";
import { PolicyInput } from "../partitions/schemas.ts";
import { inputObject, nextCursor, orNull, Time } from "../common/shared.ts";

const measured = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: not measured` });
const share = (about: string) => z.number().openapi({ description: `${about}, 0 to 1` });

const sqlText = z.string().min(1).max(262_144);

const PolicyChange = inputObject({
  table: z.string().min(3).max(130).openapi({
    description: "A plain table, as schema.name, to convert into a partitioned one",
  }),
  key_column: z.string().min(1).max(63),
  policy: PolicyInput,
});

/** Id of a recommendation in `/api/health/database`. */
export const AdviceId = z.string().regex(/^[0-9a-f]{12}$/, "must be an id of 12 hex digits")
  .openapi({ description: "Id of a recommendation in /api/health/database" });

/** A parameter value; an array of them is a set, or a value of an array type. */
const Scalar = z.union([z.string().max(100_000), z.number(), z.boolean(), z.null()]);

/** Fields that all kinds of changes have. */
const how = {
  workload: z.array(inputObject({
    sql: sqlText,
    params: z.array(
      z.union([Scalar, z.array(z.union([Scalar, z.array(Scalar).max(1_000)])).max(1_000)]),
    )
      .max(1_000).optional().openapi({
        description: "Values of $1, $2 …: one set, or an array of sets",
      }),
  })).min(1).max(100).optional().openapi({
    description: "Statements to replay. Default: those of pg_stat_statements that took most time",
  }),
  backup: z.string().min(1).max(64).optional().openapi({
    description: "The backup to restore. Default: the newest complete one",
  }),
  profile: z.enum(profileNames).default("quick"),
};

export const RehearsalStart = inputObject({
  sql: sqlText.optional().openapi({
    description: "One or several statements, also with CONCURRENTLY",
    example: "create index concurrently on market.ticks (exchange, ts)",
  }),
  settings: z.record(
    z.string().min(1).max(63),
    z.union([z.string().max(100), z.number(), z.boolean()]),
  ).optional().openapi({ description: "Server settings by name", example: { work_mem: "64MB" } }),
  recommendation: AdviceId.optional(),
  policy: PolicyChange.optional(),
  to_bin: z.string().min(1).max(1_000).optional().openapi({
    description:
      "Rehearses the upgrade to a newer major version: the directory with its pg_ctl, initdb and postgres, writable by their owner only; or `embedded`, the Postgres that Holdfast brings",
    example: "/usr/lib/postgresql/18/bin",
  }),
  ...how,
}).openapi("RehearsalStart");

const RehearsedStatement = z.object({
  query: z.string(),
  query_id: z.string().nullable(),
  kind: z.enum(["read", "write"]),
  share: share("Share of all statements' time"),
  params: z.enum(parameterSources).openapi({
    description:
      "Source of the parameter values: given in the workload, observed in a session, or drawn from the statistics of the columns",
  }),
  variants: z.int().openapi({ description: "Sets of values in each run" }),
  before_ms: measured("Median time of one execution before the change"),
  after_ms: measured("Median time of one execution after the change"),
  improvement: measured(
    "Throughput after divided by before, minus one: 0.3 is 30 % more in the same time",
  ),
  ci_low: measured(
    "Lower bound of the interval of `improvement`, which the difference of the copies before the change has widened; all intervals together hold with 95 %",
  ),
  ci_high: measured("Upper bound of the interval of `improvement`"),
  null_ci_low: measured("Lower bound of the difference of the two copies before the change"),
  null_ci_high: measured("Upper bound of the difference of the two copies before the change"),
  verdict: z.enum(statementVerdicts),
  why: z.string(),
  plan_before: z.string().nullable(),
  plan_after: z.string().nullable(),
  plan_changed: z.boolean(),
  plan_difference: z.array(z.string()),
  generic_plan: z.string().nullable().openapi({
    description:
      "Nodes of the plan that needs no parameter values, before the change: comparable between backups",
  }),
  generic_cost: z.number().nullable().openapi({
    description: "The planner's estimate of what `generic_plan` costs, in its units",
  }),
  buffers_before: measured("Pages that one execution read before the change"),
  buffers_after: measured("Pages that one execution read after the change"),
}).openapi("RehearsedStatement");

const RehearsalCost = z.object({
  seconds: z.number(),
  locks: z.array(z.object({
    lock: z.string(),
    relation: z.string(),
    held_ms: z.number(),
    blocked: z.array(z.string()).openapi({
      description: "Clients that waited for the lock: readers, writers",
    }),
  })),
  worst_stall_ms: z.number().openapi({
    description: "Longest read or write of a touched table during the change",
  }),
  reader_stall_ms: z.number(),
  writer_stall_ms: z.number(),
  bytes: z.number().openapi({ description: "Growth of the database" }),
  wal_bytes: z.number(),
  write_improvement: measured("Rate of inserts after divided by before, minus one"),
  write_ci_low: measured("Lower bound of the interval of `write_improvement`"),
  write_ci_high: measured("Upper bound of the interval of `write_improvement`"),
  tables: z.array(z.string()).openapi({
    description: "Tables that were read and written during the change",
  }),
}).openapi("RehearsalCost");

const RehearsedUpgrade = z.object({
  from_major: z.int(),
  to_major: z.int(),
  tables: z.int(),
  rows: z.number().openapi({
    description: "Rows that were compared by count and SHA-256 of each table, and are equal",
  }),
  seconds: z.number().openapi({
    description: "Duration of the move by dump and copy, without the comparison",
  }),
  schema_seconds: z.number(),
  rows_seconds: z.number(),
  indexes_seconds: z.number().openapi({ description: "Of indexes, constraints and triggers" }),
  statistics_seconds: z.number(),
  compare_seconds: z.number().openapi({ description: "Duration of the comparison of all rows" }),
  bytes_before: z.number().openapi({ description: "Size of the database in the old version" }),
  bytes_after: z.number().openapi({ description: "Size of the database in the new version" }),
}).openapi("RehearsedUpgrade");

export const Rehearsal = z.object({
  id: z.uuid(),
  status: z.enum(rehearsalStatuses),
  profile: z.enum(profileNames),
  source: z.enum(["sql", "settings", "recommendation", "policy", "upgrade"]),
  change: z.string(),
  recommendation: z.string().nullable(),
  created_at: Time,
  finished_at: Time.nullable(),
  step: z.string().nullable().openapi({ description: "The current step" }),
  seed: z.int(),
  copy: orNull(
    z.object({
      kind: z.enum(["physical", "sampled"]),
      backup: z.string().nullable(),
      taken_at: Time,
      server_version: z.int(),
      bytes: z.number(),
      sample_share: share("Share of the rows that were copied"),
    }).openapi("RehearsalCopy"),
  ),
  verdict: z.enum(rehearsalVerdicts).nullable(),
  summary: z.string().nullable().openapi({ description: "The verdict and its reason in one line" }),
  coverage: z.object({
    statements: z.int(),
    of: z.int(),
    time_share: share("Share of all statements' time that was replayed"),
  }),
  statements: z.array(RehearsedStatement),
  uncovered: z.array(z.object({ query: z.string(), share: z.number(), reason: z.string() })),
  cost: orNull(RehearsalCost),
  upgrade: orNull(RehearsedUpgrade),
  candidates: z.array(
    z.object({
      id: z.string().openapi({ description: "Its id among the recommendations" }),
      title: z.string(),
      detail: z.string(),
      sql: z.string(),
      lock: z.string().optional(),
      risk: z.string().optional(),
      query: z.string().openapi({ description: "The statement whose plan it was read from" }),
    }).openapi("IndexCandidate"),
  ).openapi({
    description:
      "Indexes that the replayed statements lack; /api/health/database recommends them, and each can be rehearsed",
  }),
  problems: z.array(z.string()),
}).openapi("Rehearsal");

export const RehearsalList = z.object({
  rehearsals: z.array(Rehearsal),
  next_cursor: nextCursor,
}).openapi("RehearsalList");
