import { createRoute, z } from "@hono/zod-openapi";
import type { BenchmarkRun as ServiceRun } from "../../services/benchmarks/run.ts";
import type { Benchmarks } from "../../services/benchmarks/service.ts";
import {
  BenchmarkCaseList,
  BenchmarkHistory,
  BenchmarkRun,
  BenchmarkRunList,
  BenchmarkStart,
  BenchmarkValidation,
} from "./schemas.ts";
import { pollHeaders, pollSeconds } from "../common/long_work.ts";
import { createRouter, cursorParam, jsonAnswer, jsonBody, limitParam } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["benchmarks"];
const oneRun = { params: z.object({ id: z.uuid() }) };

const casesRoute = createRoute({
  method: "get",
  path: "/api/benchmarks",
  tags,
  operationId: "listBenchmarkCases",
  summary: "List benchmark cases",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(BenchmarkCaseList, "A page of cases") },
});

const startRoute = createRoute({
  method: "post",
  path: "/api/benchmarks/runs",
  tags,
  operationId: "startBenchmarkRun",
  "x-problems": ["benchmark_running", "server_busy", "conflict"],
  summary: "Start a run; its progress and results are sent as performance_benchmark",
  request: { body: jsonBody(BenchmarkStart) },
  responses: {
    202: { ...jsonAnswer(BenchmarkRun, "The run, which is running"), headers: pollHeaders },
  },
});

const runsRoute = createRoute({
  method: "get",
  path: "/api/benchmarks/runs",
  tags,
  operationId: "listBenchmarkRuns",
  summary: "List runs, newest first",
  request: { query: z.object({ limit: limitParam(100, 20), cursor: cursorParam }) },
  responses: { 200: jsonAnswer(BenchmarkRunList, "A page of runs") },
});

const runRoute = createRoute({
  method: "get",
  path: "/api/benchmarks/runs/{id}",
  tags,
  operationId: "getBenchmarkRun",
  summary: "One run with its results",
  request: oneRun,
  responses: { 200: jsonAnswer(BenchmarkRun, "The run") },
});

const abortRoute = createRoute({
  method: "delete",
  path: "/api/benchmarks/runs/{id}",
  tags,
  operationId: "abortBenchmarkRun",
  "x-problems": ["conflict"],
  summary: "Abort a run; a run that has ended is returned unchanged",
  request: oneRun,
  responses: { 200: jsonAnswer(BenchmarkRun, "The run, which has ended") },
});

const validationRoute = createRoute({
  method: "get",
  path: "/api/benchmarks/validation",
  tags,
  operationId: "getBenchmarkValidation",
  summary: "Targets with their verdicts and evidence",
  responses: { 200: jsonAnswer(BenchmarkValidation, "All targets") },
});

const historyRoute = createRoute({
  method: "get",
  path: "/api/benchmarks/history",
  tags,
  operationId: "getBenchmarkHistory",
  summary: "Figures of each case in the newest 100 runs, and where they changed",
  request: { query: wholeListQuery().extend({ case: z.string().max(100).optional() }) },
  responses: { 200: jsonAnswer(BenchmarkHistory, "Each case with its points and changes") },
});

const text = { schema: z.string() };
const reportRoute = createRoute({
  method: "get",
  path: "/api/benchmarks/runs/{id}/report",
  tags,
  operationId: "getBenchmarkReport",
  summary: "Report of a run as HTML with plotted intervals, or as Markdown",
  request: {
    ...oneRun,
    query: z.object({ format: z.enum(["html", "markdown"]).default("html") }),
  },
  responses: {
    200: { description: "The report", content: { "text/html": text, "text/markdown": text } },
  },
});

export function benchmarkRoutes(benchmarks: Benchmarks) {
  const router = createRouter();
  const shown = (run: ServiceRun) => ({ ...run, progress: benchmarks.progressOf(run.id) });

  router.openapi(casesRoute, (c) => {
    const { rows, next_cursor } = pageOf(benchmarks.listCases(), {
      list: "cases",
      ...c.req.valid("query"),
      keyOf: ({ id }) => id,
    });
    return c.json({ cases: rows, next_cursor }, 200);
  });

  router.openapi(startRoute, async (c) => {
    const run = await benchmarks.startRun(c.req.valid("json"));
    return c.json(shown(run), 202, {
      Location: `/api/benchmarks/runs/${run.id}`,
      "Retry-After": pollSeconds,
    });
  });

  router.openapi(runsRoute, async (c) => {
    const { runs, next_cursor } = await benchmarks.listRuns(c.req.valid("query"));
    return c.json({ runs: runs.map(shown), next_cursor }, 200);
  });

  router.openapi(runRoute, async (c) => {
    const run = await benchmarks.getRun(c.req.valid("param").id);
    if (run.finished_at === null) c.header("Retry-After", pollSeconds);
    return c.json(shown(run), 200);
  });

  router.openapi(
    abortRoute,
    async (c) => c.json(shown(await benchmarks.abortRun(c.req.valid("param").id)), 200),
  );

  router.openapi(historyRoute, async (c) => {
    const { case: only, ...page } = c.req.valid("query");
    const { rows, next_cursor } = pageOf(await benchmarks.history(only), {
      list: "history",
      ...page,
      keyOf: ({ case: id }) => id,
    });
    return c.json({ history: rows, next_cursor }, 200);
  });

  router.openapi(reportRoute, async (c) => {
    const { format } = c.req.valid("query");
    const report = await benchmarks.renderRun(c.req.valid("param").id, format);
    return c.body(report, 200, { "content-type": `text/${format}; charset=utf-8` });
  });

  router.openapi(validationRoute, async (c) => c.json(await benchmarks.validation(), 200));

  return router;
}
