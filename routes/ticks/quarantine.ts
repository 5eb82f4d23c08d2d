import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { type Quarantine, retriedMax } from "../../services/ingest/judge/quarantine.ts";
import { SymbolText } from "../market/instruments.ts";
import {
  createRouter,
  cursorParam,
  flagParam,
  inputObject,
  jsonAnswer,
  jsonBody,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";
import { IngestAnswer } from "./ticks.ts";

export const QuarantinedRow = z.object({
  id: z.string(),
  received_at: Time,
  reason: z.string().openapi({ example: "future" }),
  path: z.string(),
  detail: z.string(),
  line: z.int().nullable(),
  raw: z.string(),
  symbol: z.string().nullable().openapi({
    description: "The symbol; null: it could not be read",
  }),
}).openapi("QuarantinedRow");

const QuarantineList = z.object({ quarantine: z.array(QuarantinedRow), next_cursor: nextCursor })
  .openapi("QuarantineList");
const tags = ["quarantine"];

const RowId = z.string().regex(/^\d{1,18}$/, "must be a number");
const reason = z.string().regex(/^[a-z_]{1,64}$/, "must be a reason such as future").optional();
const symbol = SymbolText.optional();
const from = Time.optional().openapi({ description: "Rows that arrived at this time or later" });
const before = Time.optional().openapi({ description: "Rows that arrived before this time" });
const create = "Create instruments for unknown symbols";
const backfill = "Accept ticks older than the horizon";

const listRoute = createRoute({
  method: "get",
  path: "/api/quarantine",
  tags,
  operationId: "listQuarantine",
  summary: "Rows that were not stored, newest first",
  request: {
    query: z.object({
      ...{ reason, symbol, from, to: before },
      limit: limitParam(1_000, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(QuarantineList, "A page of quarantined rows") },
});

const retryRoute = createRoute({
  method: "post",
  path: "/api/quarantine/{id}/retry",
  tags,
  operationId: "retryQuarantinedRow",
  "x-problems": ["conflict", "too_many_partitions", "partition_sealed"],
  summary: "Retry a quarantined row, or store the corrected tick in its place",
  request: {
    params: z.object({ id: RowId }),
    query: z.object({
      create: flagParam.openapi({ description: create }),
      backfill: flagParam.openapi({ description: backfill }),
    }),
    body: {
      required: false,
      content: {
        "application/json": {
          schema: inputObject({
            // The service validates it by the rules of an upload, not by this schema.
            tick: z.unknown().optional().openapi({
              allOf: [{ $ref: "#/components/schemas/NewTick" }],
            }),
          }).openapi("QuarantineRetryRequest"),
        },
      },
    },
  },
  responses: {
    200: jsonAnswer(
      IngestAnswer,
      "The row is stored and removed from the quarantine; 409 if it is refused again",
    ),
  },
});

const retryManyRoute = createRoute({
  method: "post",
  path: "/api/quarantine/retry",
  tags,
  operationId: "retryQuarantine",
  "x-problems": ["conflict", "too_many_partitions", "partition_sealed"],
  summary: "Retry many rows, oldest first; rows refused again stay",
  request: {
    body: jsonBody(
      inputObject({
        ...{ reason, symbol, from, to: before },
        ids: z.array(RowId).min(1).max(retriedMax).optional(),
        create: z.boolean().default(false).openapi({ description: create }),
        backfill: z.boolean().default(false).openapi({ description: backfill }),
        cursor: cursorParam,
        all: z.boolean().default(false).openapi({
          description: "Required to retry all rows, that is, without ids and filters",
        }),
      }).openapi("QuarantineBulkRetryRequest"),
    ),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        retried: z.int().openapi({ description: `Rows tried, at most ${retriedMax}` }),
        stored: z.int(),
        still_quarantined: z.int(),
        errors: z.array(z.object({ id: z.string(), path: z.string(), message: z.string() }))
          .openapi({ description: "The first rows that were refused again" }),
        next_cursor: nextCursor,
      }).openapi("QuarantineBulkRetryAnswer"),
      "The outcome, after commit",
    ),
  },
});

const discardRoute = createRoute({
  method: "delete",
  path: "/api/quarantine/{id}",
  tags,
  operationId: "discardQuarantinedRow",
  summary: "Delete a quarantined row",
  request: { params: z.object({ id: RowId }) },
  responses: { 204: { description: "The row is deleted" } },
});

const purgeRoute = createRoute({
  method: "delete",
  path: "/api/quarantine",
  tags,
  operationId: "purgeQuarantine",
  summary: "Delete quarantined rows",
  request: {
    query: z.object({
      ...{ reason, symbol, before },
      all: flagParam.openapi({ description: "Required to delete all rows without a filter" }),
    }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        purged: z.int(),
        complete: z.boolean().openapi({
          description: "false: the time of one request did not suffice, and rows remain",
        }),
      }).openapi("QuarantinePurgeAnswer"),
      "Number of deleted rows",
    ),
  },
});

/** Refuses an action on many rows without a filter and without `all`. */
function requireChoice(filters: Record<string, unknown>, all: boolean): void {
  if (all || Object.values(filters).some((filter) => filter !== undefined)) return;
  const names = Object.keys(filters).join(", ").replace(/, (\w+)$/, " or $1");
  throw new HoldfastError("invalid_request", `Say which rows: ${names}; or all=true`, {
    problems: [{ path: "all", message: `needed without ${names}` }],
  });
}

export function quarantineRoutes({ quarantine }: { quarantine: Quarantine }) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const page = await quarantine.list(c.req.valid("query"));
    return c.json({ quarantine: page.rows, next_cursor: page.next_cursor }, 200);
  });
  router.openapi(
    retryManyRoute,
    async (c) => {
      const { all, ...choice } = c.req.valid("json");
      const { ids, reason, symbol, from, to } = choice;
      requireChoice({ ids, reason, symbol, from, to }, all);
      return c.json(await quarantine.retryMany(choice), 200);
    },
  );
  router.openapi(retryRoute, async (c) => {
    const { id } = c.req.valid("param");
    const { tick } = c.req.valid("json") ?? {};
    return c.json(await quarantine.retry(id, { ...c.req.valid("query"), tick }), 200);
  });
  router.openapi(discardRoute, async (c) => {
    await quarantine.discard(c.req.valid("param").id);
    return c.body(null, 204);
  });
  router.openapi(purgeRoute, async (c) => {
    const { all, reason, symbol, before } = c.req.valid("query");
    requireChoice({ reason, symbol, before }, all);
    return c.json(await quarantine.purge({ reason, symbol, to: before }), 200);
  });
  return router;
}
