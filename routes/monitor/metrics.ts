import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Alerts } from "../../services/alerts/service.ts";
import { type DatabaseMembers, servicesOf } from "../../services/databases/members.ts";
import { type History, processMetrics } from "../../services/monitor/history/history.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import { rankMoves } from "../../services/monitor/incidents/movements.ts";
import { type MetricReport, metricsReport } from "../../services/monitor/health/reports.ts";
import { signals } from "../../services/monitor/signals/list.ts";
import {
  createRouter,
  cursorParam,
  jsonAnswer,
  limitParam,
  nextCursor,
  Time,
  wholeParam,
} from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const Series = z.object({
  name: z.string(),
  database: z.string().openapi({ description: "The database that was measured" }),
  unit: z.string(),
  scope: z.string(),
  step_seconds: z.number().openapi({ description: "Time that each point covers; 0: as measured" }),
  complete: z.boolean().openapi({ description: "false: points may be missing; detail says why" }),
  detail: z.string(),
  points: z.array(z.object({
    ts: Time,
    value: z.number().openapi({ description: "The mean" }),
    min: z.number(),
    max: z.number(),
    last: z.number(),
  })),
}).openapi("MetricSeries");

const MetricList = z.object({
  metrics: z.array(z.object({
    name: z.string(),
    database: z.string().openapi({ description: "The database that is measured" }),
    unit: z.string(),
    scope: z.string().openapi({ description: "Table, slot or other object; empty: the server" }),
    value: z.number().nullable().openapi({ description: "Present value; null: unknown" }),
    status: z.enum(["known", "bad", "unknown"]).openapi({
      description: "bad: beyond a level of an enabled rule",
    }),
  })),
  next_cursor: nextCursor,
}).openapi("MetricList");

const tags = ["metrics"];
/** Age at which the last point of a metric that is not a signal becomes unknown. */
const othersMaxAgeMs = 60_000;
const movesMaxMs = 30 * 86_400_000;

const listRoute = createRoute({
  method: "get",
  path: "/api/metrics",
  tags,
  operationId: "listMetrics",
  summary: "Present values of all metrics",
  request: { query: wholeListQuery(10_000) },
  responses: { 200: jsonAnswer(MetricList, "Metrics with value and status") },
});

const readRoute = createRoute({
  method: "get",
  path: "/api/metrics/{name}",
  tags,
  operationId: "getMetric",
  summary: "The history of one metric",
  description:
    "History is kept across restarts: hours as measured, days by the minute, a month by 15 minutes, years by the day. Unknown values leave a gap.",
  request: {
    params: z.object({ name: z.string().regex(/^[a-z0-9_]{1,64}$/) }),
    query: z.object({
      from: Time.optional().openapi({ description: "Default: an hour before `to`" }),
      to: Time.optional(),
      step: wholeParam(1, 86_400).optional().openapi({
        description: "Seconds per point; larger if no finer points are kept",
      }),
      scope: z.string().max(300).default("").openapi({
        description: "Table, slot or other object; empty: the server",
      }),
      database: z.string().max(200).optional().openapi({
        description: "The name of a database; default: the database of the path",
      }),
    }),
  },
  responses: { 200: jsonAnswer(Series, "Points, oldest first") },
});

const movesRoute = createRoute({
  method: "get",
  path: "/api/moves",
  tags,
  operationId: "listMoves",
  summary: "Metrics that changed in a window, compared with an equally long time before it",
  request: {
    query: z.object({
      from: Time,
      to: Time,
      limit: limitParam(1_000, 1_000),
      cursor: cursorParam,
    }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        moves: z.array(z.object({
          name: z.string(),
          unit: z.string(),
          before: z.number().openapi({
            description: "Median of the equally long time before the window",
          }),
          during: z.number().openapi({ description: "Median within the window" }),
          score: z.number().openapi({
            description: "Difference of the medians, divided by the usual spread before the window",
          }),
        })),
        next_cursor: nextCursor,
      }).openapi("MoveList"),
      "The metrics with the greatest changes first, without those within the usual spread",
    ),
  },
});

const signalUnits = new Map<string, string>(signals.map(({ name, unit }) => [name, unit]));

/** Returns the unit of a signal, or the unit in which the name of a metric ends. */
function unitOf(name: string): string {
  const known = signalUnits.get(name);
  if (known !== undefined) return known;
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

/** Returns the metrics with recent points that are not listed. */
function others(history: History, listed: ReadonlySet<string>, now: number): MetricReport[] {
  return history.names().filter((name) => !listed.has(name)).map((name) => {
    const value = history.recent(name, now - othersMaxAgeMs, now)?.at(-1)?.value ?? null;
    return { name, scope: "", value, status: value === null ? "unknown" : "known" };
  });
}

export function metricRoutes(
  { monitor, alerts, members, databaseName, clock }: {
    monitor: Pick<Monitor, "snapshot" | "history">;
    members: DatabaseMembers;
    databaseName: string;
    alerts: Pick<Alerts, "rules">;
    clock: Clock;
  },
) {
  const { history } = monitor;
  const router = createRouter();
  router.openapi(listRoute, (c) => {
    const listed = metricsReport(monitor.snapshot(), alerts.rules());
    const names = new Set(listed.map(({ name }) => name));
    const all = [...listed, ...others(history, names, clock.now().getTime())];
    const { rows, next_cursor } = pageOf(all, {
      list: "metrics",
      ...c.req.valid("query"),
      keyOf: ({ name, scope }) => `${name} ${scope}`,
    });
    const metrics = rows.map((metric) => ({
      ...metric,
      database: databaseName,
      unit: unitOf(metric.name),
    }));
    return c.json({ metrics, next_cursor }, 200);
  });
  router.openapi(movesRoute, async (c) => {
    const query = c.req.valid("query");
    const [from, to] = [Date.parse(query.from), Date.parse(query.to)];
    if (from >= to || to - from > movesMaxMs) {
      throw new HoldfastError("invalid_request", "from must be before to, by at most 30 days", {
        problems: [{ path: "from", message: "is not before to, or by more than 30 days" }],
      });
    }
    const { rows, next_cursor } = pageOf(await rankMoves(history, from, to), {
      list: "moves",
      limit: query.limit,
      cursor: query.cursor,
      keyOf: ({ name }) => name,
    });
    return c.json({
      moves: rows.map((move) => ({ ...move, unit: unitOf(move.name) })),
      next_cursor,
    }, 200);
  });
  router.openapi(readRoute, async (c) => {
    const { name } = c.req.valid("param");
    const { scope, step, database = databaseName, ...range } = c.req.valid("query");
    const asked = database === databaseName ? monitor : servicesOf(members, database).monitor;
    const to = range.to ? Date.parse(range.to) : clock.now().getTime();
    const from = range.from ? Date.parse(range.from) : to - 3_600_000;
    if (from > to) {
      throw new HoldfastError("invalid_request", "from is after to", {
        problems: [{ path: "from", message: "is after to" }],
      });
    }
    const found = await asked.history.read({
      name,
      scope,
      from,
      to,
      ...(step === undefined ? {} : { stepSeconds: step }),
    });
    const isPresent = () =>
      (scope === "" && processMetrics.has(name)) ||
      metricsReport(asked.snapshot(), []).some((one) => one.name === name && one.scope === scope);
    if (!found && !isPresent()) {
      throw new HoldfastError("not_found", `No metric is named ${name}${scope && ` of ${scope}`}`);
    }
    return c.json({
      name,
      database,
      scope,
      unit: unitOf(name),
      step_seconds: found?.stepSeconds ?? step ?? 0,
      complete: found?.incomplete === undefined,
      detail: found?.incomplete ?? "",
      points: (found?.points ?? []).map(({ ts, ...point }) => ({
        ts: new Date(ts).toISOString(),
        ...point,
      })),
    }, 200);
  });
  return router;
}
