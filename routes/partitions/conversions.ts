import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import { rewriteReport } from "../../services/partitions/rewrite/report.ts";
import type { Conversions } from "../../services/partitions/rewrite/service.ts";
import { Conversion, ConversionAnswer, ConversionList, ConvertRequest } from "./schemas.ts";
import { pollHeaders, pollSeconds } from "../common/long_work.ts";
import {
  createRouter,
  cursorParam,
  dryRunParam,
  jsonAnswer,
  jsonBody,
  limitParam,
} from "../common/shared.ts";

const tags = ["partitions"];

const convertRoute = createRoute({
  method: "post",
  path: "/api/partitions/convert",
  tags,
  operationId: "convertTable",
  "x-problems": ["not_found", "catalogue_changed", "conflict"],
  summary:
    "Turn a plain table into a partitioned one while it is in use: plan, start, undo, finish, cancel",
  request: {
    query: z.object({
      dry_run: dryRunParam.openapi({ description: "Plan a conversion; changes nothing" }),
    }),
    body: jsonBody(ConvertRequest),
  },
  responses: {
    200: jsonAnswer(ConversionAnswer, "The plan; nothing was changed"),
    202: {
      ...jsonAnswer(
        ConversionAnswer,
        "The conversion has begun or was redirected; it continues in the background",
      ),
      headers: pollHeaders,
    },
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/api/partitions/conversions",
  tags,
  operationId: "listConversions",
  summary: "Conversions and drains with their progress, running ones first",
  request: { query: z.object({ limit: limitParam(1_000, 100), cursor: cursorParam }) },
  responses: { 200: jsonAnswer(ConversionList, "A page of conversions") },
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/partitions/conversions/{id}",
  tags,
  operationId: "getConversion",
  summary: "One conversion or drain: its progress or its outcome",
  request: {
    params: z.object({
      id: z.string().regex(/^[1-9]\d{0,17}$/, "must be the id of a conversion").openapi({
        example: "1",
      }),
    }),
  },
  responses: { 200: jsonAnswer(Conversion, "The conversion") },
});

const pollAt = (id: string) => ({
  Location: `/api/partitions/conversions/${id}`,
  "Retry-After": pollSeconds,
});

/** Makes the routes of conversions, and of their progress and that of drains. */
export function conversionRoutes({ conversions }: { conversions: Conversions }) {
  const router = createRouter();

  router.openapi(listRoute, async (c) => {
    const { rows, next_cursor } = await readPage(c.req.valid("query"), {
      parts: [(part) => /^(open|ended)$/.test(part), cursorParts.number],
      read: (position, limit) =>
        conversions.list({
          limit,
          after: position && { isOpen: position[0] === "open", id: position[1] },
        }),
      positionOf: (row) => [row.ended_at === null ? "open" : "ended", row.id],
    });
    return c.json({ conversions: rows.map(rewriteReport), next_cursor }, 200);
  });

  router.openapi(oneRoute, async (c) => {
    const rewrite = await conversions.get(c.req.valid("param").id);
    if (rewrite.ended_at === null) c.header("Retry-After", pollSeconds);
    return c.json(rewriteReport(rewrite), 200);
  });

  router.openapi(convertRoute, async (c) => {
    const { table, action: wanted, digest, key_column, widen_keys, policy } = c.req.valid("json");
    const { dry_run: dryRun = false } = c.req.valid("query");
    if (dryRun && wanted !== "plan" && wanted !== "start") {
      const message = `${wanted} has none`;
      throw new HoldfastError("invalid_request", `Cannot read the query: dry_run: ${message}`, {
        problems: [{ path: "dry_run", message }],
      });
    }
    const action = dryRun ? "plan" : wanted;
    const none = {
      table,
      digest: null,
      refusals: [],
      partitions: [],
      statements: [],
      estimate: null,
    };
    if (action === "undo" || action === "finish" || action === "cancel") {
      const rewrite = await conversions.act(table, action);
      conversions.wake();
      return c.json({ ...none, conversion: rewriteReport(rewrite) }, 202, pollAt(rewrite.id));
    }
    // The schema has checked that both are present.
    const { table: _table, windows = null, sub_interval = null, ...rest } = policy!;
    const input = {
      table,
      keyColumn: key_column ?? "",
      widenKeys: widen_keys,
      policy: { ...rest, windows, sub_interval },
    };
    if (action === "start") {
      const rewrite = await conversions.start(input, digest ?? "");
      conversions.wake();
      return c.json({ ...none, conversion: rewriteReport(rewrite) }, 202, pollAt(rewrite.id));
    }
    const plan = await conversions.plan(input);
    return c.json({
      table,
      digest: plan.conversion ? plan.digest : null,
      refusals: plan.refusals,
      partitions: plan.partitions,
      statements: plan.statements,
      estimate: plan.estimate,
      conversion: null,
    }, 200);
  });

  return router;
}
