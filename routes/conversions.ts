import { createRoute } from "@hono/zod-openapi";
import { moveReport } from "../services/partitions/conversion/report.ts";
import type { Conversions } from "../services/partitions/conversion/conversions.ts";
import { ConversionAnswer, ConversionList, ConvertRequest } from "./partition_schemas.ts";
import { createRouter, jsonAnswer, jsonBody } from "./shared.ts";

const tags = ["partitions"];

const convertRoute = createRoute({
  method: "post",
  path: "/api/partitions/convert",
  tags,
  operationId: "convertTable",
  "x-problems": ["not_found", "catalogue_changed", "conflict"],
  summary:
    "Turn a plain table into a partitioned one while it is in use: plan, start, undo, finish, cancel",
  request: { body: jsonBody(ConvertRequest) },
  responses: {
    200: jsonAnswer(ConversionAnswer, "The plan; nothing was changed"),
    202: jsonAnswer(ConversionAnswer, "It has begun, or been turned; it goes on by itself"),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/api/partitions/conversions",
  tags,
  operationId: "listConversions",
  summary: "Conversions and drains with their progress, those under way first",
  responses: { 200: jsonAnswer(ConversionList, "The last hundred") },
});

/** Conversions of plain tables, and how far they and the drains of default partitions are. */
export function conversionRoutes({ conversions }: { conversions: Conversions }) {
  const router = createRouter();

  router.openapi(listRoute, async (c) => {
    const moves = (await conversions.list()).map(moveReport);
    return c.json({ conversions: moves, next_cursor: null }, 200);
  });

  router.openapi(convertRoute, async (c) => {
    const { table, action, digest, key_column, widen_keys, policy } = c.req.valid("json");
    const none = {
      table,
      digest: null,
      refusals: [],
      partitions: [],
      statements: [],
      estimate: null,
    };
    if (action === "undo" || action === "finish" || action === "cancel") {
      const move = await conversions.act(table, action);
      conversions.wake();
      return c.json({ ...none, conversion: moveReport(move) }, 202);
    }
    // The schema lets neither through without these.
    const { table: _table, windows = null, sub_interval = null, ...rest } = policy!;
    const input = {
      table,
      keyColumn: key_column ?? "",
      widenKeys: widen_keys,
      policy: { ...rest, windows, sub_interval },
    };
    if (action === "start") {
      const move = await conversions.start(input, digest ?? "");
      conversions.wake();
      return c.json({ ...none, conversion: moveReport(move) }, 202);
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
