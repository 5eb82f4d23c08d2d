import { createRoute, z } from "@hono/zod-openapi";
import type { ExactnessService } from "../../services/market/exactness_report.ts";
import { createRouter, jsonAnswer, Time } from "../common/shared.ts";

const Exactness = z.object({
  symbol: z.string(),
  tick_size: z.number().nullable(),
  tick_size_source: z.enum(["instrument", "inferred", "none"]),
  sampled: z.int().openapi({ description: "Number of newest ticks read" }),
  from: Time.nullable(),
  to: Time.nullable(),
  distinct_prices: z.int(),
  round_trips: z.int().openapi({
    description: "Distinct prices whose decimal text is a multiple of the tick size",
  }),
  off_grid: z.int().openapi({
    description: "Distinct prices that are not a multiple of the tick size",
  }),
  off_grid_examples: z.array(z.number()),
  worst_error: z.number().openapi({
    description: "Largest distance between a stored price and its exact decimal multiple",
  }),
  worst_price: z.number().nullable(),
  max_significant_digits: z.int(),
  exact_below: z.number().nullable().openapi({
    description: "Below this price float8 holds every multiple of the tick size",
  }),
  verdict: z.enum(["exact", "inexact", "unknown"]),
  advice: z.string(),
}).openapi("Exactness");

const readRoute = createRoute({
  method: "get",
  path: "/api/exactness",
  tags: ["instruments"],
  operationId: "getExactness",
  "x-problems": ["not_found"],
  summary: "How exactly float8 stores an instrument's prices",
  request: { query: z.object({ symbol: z.string().min(1).max(64) }) },
  responses: {
    200: jsonAnswer(Exactness, "Result of comparing the newest prices with the tick size"),
  },
});

export function exactnessRoutes({ exactness }: { exactness: ExactnessService }) {
  const router = createRouter();
  router.openapi(
    readRoute,
    async (c) => c.json(await exactness.report(c.req.valid("query").symbol), 200),
  );
  return router;
}
