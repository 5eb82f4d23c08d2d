import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../errors.ts";
import type { Clock } from "../services/clock.ts";
import type { History } from "../services/monitor/history.ts";
import { createRouter, jsonAnswer, nextCursor, Time } from "./shared.ts";

const Series = z.object({
  name: z.string(),
  unit: z.string(),
  points: z.array(z.object({ ts: Time, value: z.number() })),
}).openapi("MetricSeries");

const MetricList = z.object({
  metrics: z.array(z.object({ name: z.string(), unit: z.string() })),
  next_cursor: nextCursor,
}).openapi("MetricList");

const tags = ["metrics"];

const listRoute = createRoute({
  method: "get",
  path: "/api/metrics",
  tags,
  summary: "Metrics with a history",
  responses: { 200: jsonAnswer(MetricList, "Their names") },
});

const readRoute = createRoute({
  method: "get",
  path: "/api/metrics/{name}",
  tags,
  summary: "The recent history of one metric",
  request: {
    params: z.object({ name: z.string().regex(/^[a-z0-9_]{1,64}$/) }),
    query: z.object({
      from: Time.optional(),
      to: Time.optional(),
      step: z.coerce.number().int().min(1).max(86_400).optional().openapi({
        description: "Seconds per point; the mean is shown",
      }),
    }),
  },
  responses: { 200: jsonAnswer(Series, "Its points, oldest first") },
});

/** The unit a metric's name carries. */
function unitOf(name: string): string {
  const units: [RegExp, string][] = [
    [/_per_second$/, "per_second"],
    [/_per_minute$/, "per_minute"],
    [/_seconds$/, "seconds"],
    [/_ms$/, "milliseconds"],
    [/_bytes$/, "bytes"],
    [/_(ratio|utilization)$/, "ratio"],
  ];
  return units.find(([pattern]) => pattern.test(name))?.[1] ?? "count";
}

function thin(points: { ts: number; value: number }[], stepMs: number) {
  const buckets = new Map<number, { sum: number; count: number }>();
  for (const { ts, value } of points) {
    const at = Math.floor(ts / stepMs) * stepMs;
    const bucket = buckets.get(at) ?? { sum: 0, count: 0 };
    bucket.sum += value;
    bucket.count++;
    buckets.set(at, bucket);
  }
  return [...buckets].map(([ts, { sum, count }]) => ({ ts, value: sum / count }));
}

export function metricRoutes({ history, clock }: { history: History; clock: Clock }) {
  const router = createRouter();
  router.openapi(listRoute, (c) =>
    c.json({
      metrics: history.names().map((name) => ({ name, unit: unitOf(name) })),
      next_cursor: null,
    }, 200));
  router.openapi(readRoute, (c) => {
    const { name } = c.req.valid("param");
    const { from, to, step } = c.req.valid("query");
    const until = to ? Date.parse(to) : clock.now().getTime();
    const points = history.read(name, from ? Date.parse(from) : until - 3_600_000, until);
    if (!points) throw new HoldfastError("not_found", `No metric is named ${name}`);
    const shown = step ? thin(points, step * 1000) : points;
    return c.json({
      name,
      unit: unitOf(name),
      points: shown.map(({ ts, value }) => ({ ts: new Date(ts).toISOString(), value })),
    }, 200);
  });
  return router;
}
