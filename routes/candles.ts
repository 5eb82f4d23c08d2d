import { createRoute, z } from "@hono/zod-openapi";
import { candleIntervals } from "../db/market/candles.ts";
import type { CandleRebuild } from "../services/market/candle_rebuild.ts";
import type { Market } from "../services/market/market.ts";
import { SymbolText } from "./instruments.ts";
import {
  createRouter,
  cursorParam,
  inputObject,
  jsonAnswer,
  jsonBody,
  limitParam,
  nextCursor,
  Time,
} from "./shared.ts";

export const Candle = z.object({
  ts: Time.openapi({ description: "Start of the interval, UTC" }),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trades: z.int(),
}).openapi("Candle");

const CandleList = z.object({ candles: z.array(Candle), next_cursor: nextCursor }).openapi(
  "CandleList",
);

const listRoute = createRoute({
  method: "get",
  path: "/api/candles",
  tags: ["ticks"],
  operationId: "listCandles",
  "x-problems": ["not_found"],
  summary: "Candles of one instrument",
  request: {
    query: z.object({
      symbol: SymbolText,
      interval: z.enum(candleIntervals).default("1m"),
      from: Time.optional().openapi({ description: "Included" }),
      to: Time.optional().openapi({ description: "Not included" }),
      limit: limitParam(10_000, 1_000),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(CandleList, "A page of candles, oldest first") },
});

const rebuildRoute = createRoute({
  method: "post",
  path: "/api/candles/rebuild",
  tags: ["ticks"],
  operationId: "rebuildCandles",
  "x-problems": ["not_found", "conflict"],
  summary: "Make candles anew from the ticks that are there",
  description:
    "The repair after raw SQL changed market.ticks, which the ingest cannot see. Works in days, each in a transaction of its own; minutes whose partition is gone keep their candles.",
  request: {
    body: jsonBody(
      inputObject({
        symbol: SymbolText,
        from: Time.optional().openapi({ description: "Start of the first minute; included" }),
        to: Time.optional().openapi({ description: "Not included" }),
        dry_run: z.boolean().default(false).openapi({
          description: "Count the differences, change nothing",
        }),
        force: z.boolean().default(false).openapi({
          description:
            "Also days whose partition was detached once: candles of ticks that are gone are lost",
        }),
      }).openapi("CandleRebuildRequest"),
    ),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        minutes_checked: z.int().openapi({ description: "Minutes with ticks or a candle" }),
        changed: z.int().openapi({ description: "Candles that differed, or were missing" }),
        removed: z.int().openapi({ description: "Candles without a tick" }),
        skipped: z.array(z.object({ partition: z.string(), reason: z.string() })),
        next_from: Time.nullable().openapi({
          description: "Where to go on, when there was more than one request has time for",
        }),
      }).openapi("CandleRebuildAnswer"),
      "What was found, and unless it is a dry run, mended",
    ),
  },
});

export function candleRoutes(
  { market, candleRebuild }: { market: Market; candleRebuild: CandleRebuild },
) {
  const router = createRouter();
  router.openapi(rebuildRoute, async (c) => {
    const { dry_run: dryRun, ...request } = c.req.valid("json");
    return c.json(await candleRebuild.rebuild({ ...request, dryRun }), 200);
  });
  router.openapi(listRoute, async (c) => {
    const page = await market.candles(c.req.valid("query"));
    return c.json({ candles: page.rows, next_cursor: page.nextCursor }, 200);
  });
  return router;
}
