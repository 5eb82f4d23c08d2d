import { z } from "@hono/zod-openapi";
import { changeKinds } from "../../db/history/changes.ts";
import type { BlockedSession as Blocked } from "../../services/monitor/diagnosis/locks.ts";
import { nextCursor, Time } from "../common/shared.ts";

export const readingState = {
  status: z.enum(["known", "unknown"]).openapi({
    description: "unknown: the list may be old or incomplete",
  }),
  detail: z.string().openapi({ description: "Why the status is unknown" }),
  checked_at: Time.nullable(),
  age_ms: z.number().nullable(),
};

const session = {
  pid: z.int().openapi({
    description: "Process id of the session; 0: a prepared transaction, which has no session",
  }),
  query: z.string().nullable(),
  user: z.string().nullable(),
  application: z.string().nullable(),
  backend_start: Time.nullable(),
};

const BlockedSession: z.ZodType<Blocked> = z.object({
  ...session,
  waited_seconds: z.number().nullable(),
  waits_for: z.string().nullable().openapi({ example: "ShareLock on market.ticks" }),
  // A recursive schema needs an explicit type.
  blocked: z.lazy(() => z.array(BlockedSession)),
}).openapi("BlockedSession");

export const LockTree = z.object({
  ...readingState,
  roots: z.array(z.object({
    ...session,
    state: z.string().nullable(),
    age_seconds: z.number().nullable().openapi({ description: "Age of the session's transaction" }),
    blocked: z.array(BlockedSession),
  })),
  next_cursor: nextCursor,
}).openapi("LockTree");

export const SessionList = z.object({
  sessions: z.array(z.object({
    pid: z.int(),
    backend_type: z.string(),
    database: z.string().nullable(),
    user: z.string().nullable(),
    application: z.string().nullable(),
    client: z.string().nullable().openapi({
      description: "Address of the client; null over a Unix socket",
    }),
    state: z.string().nullable(),
    wait: z.string().nullable().openapi({ example: "Lock: transactionid" }),
    backend_start: Time.nullable(),
    transaction_seconds: z.number().nullable(),
    state_seconds: z.number().nullable(),
    query: z.string().nullable().openapi({
      description: "Text of the statement, without constants",
    }),
    own: z.boolean().openapi({ description: "Whether the session belongs to a Holdfast" }),
  })),
  next_cursor: nextCursor,
}).openapi("SessionList");

export const Signalled = z.object({
  pid: z.int(),
  action: z.enum(["cancel", "terminate"]),
}).openapi("SignalledSession");

const work = {
  calls: z.number(),
  mean_ms: z.number(),
  total_ms: z.number(),
  share: z.number().openapi({ description: "Share of the time of all statements, 0 to 1" }),
  rows: z.number(),
  blocks_read: z.number().openapi({ description: "Blocks that were not in the server's cache" }),
  cache_hit_ratio: z.number().nullable().openapi({ description: "null: it read no block" }),
  temp_blocks: z.number(),
  wal_bytes: z.number(),
};

const causes = z.array(z.object({
  kind: z.enum(["more_rows", "more_blocks", "cache_misses", "temp_files", "waits"]),
  before: z.number(),
  after: z.number(),
})).openapi({
  description:
    "What of one call changed with it, likely causes first. more_blocks: more blocks for as many rows, as by another plan, " +
    "a missing index or bloat. cache_misses: more blocks read for as many blocks. waits: only the time grew, as by locks, " +
    "the disk or the processor",
});

/** A statement with what it did, and how it has become more expensive. */
export const Query = z.object({
  query_id: z.string(),
  query: z.string().nullable().openapi({
    description: "Text without constants; null until it has been fetched",
  }),
  ...work,
  recent: z.object({ seconds: z.number(), ...work }).nullable().openapi({
    description:
      "The same figures for at most the last quarter of an hour; null before two readings",
  }),
  regressions: z.array(z.object({
    metric: z.enum(["mean_ms", "blocks_per_call"]),
    before: z.number().openapi({ description: "Median of the last six hours" }),
    after: z.number(),
    ratio: z.number(),
    since: Time,
    causes,
    changes: z.array(z.object({
      at: Time,
      kind: z.enum(changeKinds),
      subject: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
      same_table: z.boolean().openapi({
        description: "Whether the change names a table of the statement, or is one of its plan",
      }),
    })).openapi({ description: "Changes within the hour before, likely causes first" }),
  })).openapi({ description: "How a call has become more expensive; empty: no regression" }),
});

export const QueryList = z.object({
  ...readingState,
  queries: z.array(Query),
  next_cursor: nextCursor,
}).openapi("QueryList");

const cure = z.object({ sql: z.string(), lock: z.string(), risk: z.string() });

export const IndexList = z.object({
  ...readingState,
  indexes: z.array(z.object({
    name: z.string(),
    table: z.string(),
    method: z.string(),
    bytes: z.number(),
    scans: z.number(),
    partitions: z.number(),
    unique: z.boolean(),
    valid: z.boolean(),
    unused: z.boolean().openapi({
      description:
        "true: never read since the statistics began, and not needed for anything else. Always false on a standby, which counts only its own reads",
    }),
    duplicate_of: z.string().nullable().openapi({
      description:
        "An index with the same method, keys, order, operator classes, collations, predicate and uniqueness",
    }),
    covered_by: z.string().nullable().openapi({
      description:
        "An index that begins with all keys of this one, with the same order, operator classes and collations",
    }),
    needed_for: z.array(z.string()).openapi({ description: "What needs the index besides reads" }),
    problems: z.array(z.enum(["invalid", "duplicate", "covered", "unused"])).openapi({
      description:
        "An index counts as unused only after this instance has watched the server as a primary, with use counted, for a week",
    }),
    cure: cure.nullable(),
  })),
  missing: z.array(z.object({
    table: z.string(),
    columns: z.array(z.string()),
    reason: z.string(),
    cure,
  })),
  next_cursor: nextCursor,
}).openapi("IndexList");
