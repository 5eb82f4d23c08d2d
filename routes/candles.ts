import { createRoute, z } from "@hono/zod-openapi";
import { candleIntervals } from "../db/market/candles.ts";
import type { Market } from "../services/market/market.ts";
import { SymbolText } from "./instruments.ts";
import { createRouter, cursorParam, jsonAnswer, limitParam, nextCursor, Time } from "./shared.ts";

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

export function candleRoutes({ market }: { market: Market }) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const page = await market.candles(c.req.valid("query"));
    return c.json({ candles: page.rows, next_cursor: page.nextCursor }, 200);
  });
  return router;
}
