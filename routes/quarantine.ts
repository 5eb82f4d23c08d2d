import { createRoute, z } from "@hono/zod-openapi";
import type { Ingest } from "../services/ingest/ingest.ts";
import type { Market } from "../services/market/market.ts";
import {
  createRouter,
  cursorParam,
  flagParam,
  jsonAnswer,
  limitParam,
  nextCursor,
  Time,
} from "./shared.ts";
import { IngestAnswer } from "./ticks.ts";

export const QuarantinedRow = z.object({
  id: z.string(),
  received_at: Time,
  reason: z.string().openapi({ example: "future" }),
  path: z.string(),
  detail: z.string(),
  line: z.int().nullable(),
  raw: z.string(),
}).openapi("QuarantinedRow");

const QuarantineList = z.object({ quarantine: z.array(QuarantinedRow), next_cursor: nextCursor })
  .openapi("QuarantineList");
const tags = ["quarantine"];

const listRoute = createRoute({
  method: "get",
  path: "/api/quarantine",
  tags,
  summary: "Rows that were not stored, newest first",
  request: {
    query: z.object({
      reason: z.string().regex(/^[a-z_]{1,64}$/, "must be a reason such as future").optional(),
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
  summary: "Try a quarantined row again",
  request: {
    params: z.object({ id: z.string().regex(/^\d{1,18}$/, "must be a number") }),
    query: z.object({ create: flagParam, backfill: flagParam }),
  },
  responses: { 200: jsonAnswer(IngestAnswer, "Stored, and taken out of the quarantine") },
});

export function quarantineRoutes({ ingest, market }: { ingest: Ingest; market: Market }) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const page = await market.quarantine(c.req.valid("query"));
    return c.json({ quarantine: page.rows, next_cursor: page.nextCursor }, 200);
  });
  router.openapi(
    retryRoute,
    async (c) => c.json(await ingest.retry(c.req.valid("param").id, c.req.valid("query")), 200),
  );
  return router;
}
