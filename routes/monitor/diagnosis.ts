import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Changes } from "../../services/monitor/diagnosis/changes.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import {
  indexesReport,
  locksReport,
  queriesReport,
} from "../../services/monitor/health/reports.ts";
import type { Sessions } from "../../services/monitor/diagnosis/sessions.ts";
import { IndexList, LockTree, QueryList, SessionList, Signalled } from "./diagnosis_schemas.ts";
import {
  type AppEnv,
  createRouter,
  cursorParam,
  flagParam,
  jsonAnswer,
  limitParam,
  Time,
  wholeParam,
} from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["diagnosis"];

const locksRoute = createRoute({
  method: "get",
  path: "/api/locks",
  tags,
  operationId: "listLocks",
  summary: "Sessions that block others, as trees from the root blockers",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(LockTree, "The blocking trees, as last read") },
});

/** Limit of sessions read; active ones come first. */
const sessionsMax = 10_000;

const sessionsRoute = createRoute({
  method: "get",
  path: "/api/sessions",
  tags,
  operationId: "listSessions",
  summary: "Sessions of the server at this moment, active ones first",
  request: { query: z.object({ limit: limitParam(1_000, 200), cursor: cursorParam }) },
  responses: { 200: jsonAnswer(SessionList, "Sessions of clients and autovacuum workers") },
});

const target = {
  params: z.object({ pid: wholeParam(1, 2 ** 31 - 1) }),
  query: z.object({
    backend_start: Time.optional().openapi({
      description: "From GET /api/locks: protects a later session with the same pid",
    }),
  }),
};

const cancelRoute = createRoute({
  method: "post",
  path: "/api/locks/{pid}/cancel",
  tags,
  operationId: "cancelStatement",
  "x-problems": ["conflict", "forbidden"],
  summary: "Cancel the statement of a session",
  request: target,
  responses: { 200: jsonAnswer(Signalled, "The statement was cancelled") },
});

const terminateRoute = createRoute({
  method: "post",
  path: "/api/locks/{pid}/terminate",
  tags,
  operationId: "terminateSession",
  "x-problems": ["conflict", "forbidden"],
  summary: "Terminate a session; its transaction is rolled back",
  request: target,
  responses: { 200: jsonAnswer(Signalled, "The session was terminated") },
});

const queriesRoute = createRoute({
  method: "get",
  path: "/api/queries",
  tags,
  operationId: "listQueries",
  summary: "Most expensive statements",
  request: {
    query: z.object({
      limit: limitParam(1_000, 50),
      cursor: cursorParam,
      order: z.enum(["recent", "total"]).default("recent").openapi({
        description: "By the last quarter of an hour, or by all since the statistics began",
      }),
      by: z.enum(["time", "calls", "io"]).default("time").openapi({
        description: "io: blocks read and temporary blocks written",
      }),
      slower: flagParam.openapi({ description: "Only statements that have become slower" }),
    }),
  },
  responses: { 200: jsonAnswer(QueryList, "The most expensive first, as last read") },
});

const indexesRoute = createRoute({
  method: "get",
  path: "/api/indexes",
  tags,
  operationId: "listIndexes",
  summary: "All indexes with their problems, and missing ones",
  request: { query: wholeListQuery(10_000) },
  responses: { 200: jsonAnswer(IndexList, "The largest first, as last read") },
});

/** Routes of locks, sessions, statements and indexes. */
export function diagnosisRoutes(
  { monitor, sessions, changes }: {
    monitor: Pick<Monitor, "snapshot">;
    sessions: Sessions;
    changes: Pick<Changes, "between">;
  },
) {
  const router = createRouter();
  const actorOf = (c: Context<AppEnv>) => ({ role: c.get("role"), requestId: c.get("requestId") });

  router.openapi(locksRoute, (c) => {
    const report = locksReport(monitor.snapshot());
    const { rows, next_cursor } = pageOf(report.roots, {
      list: "locks",
      ...c.req.valid("query"),
      keyOf: ({ pid, backend_start, query }) => `${pid} ${backend_start ?? query}`,
    });
    return c.json({ ...report, roots: rows, next_cursor }, 200);
  });

  router.openapi(sessionsRoute, async (c) => {
    const { rows, next_cursor } = pageOf(await sessions.list(sessionsMax), {
      list: "sessions",
      ...c.req.valid("query"),
      keyOf: ({ pid }) => String(pid),
    });
    return c.json({ sessions: rows, next_cursor }, 200);
  });

  router.openapi(cancelRoute, async (c) => {
    const { pid } = c.req.valid("param");
    const { backend_start: backendStart } = c.req.valid("query");
    await sessions.signal("cancel", { pid, backendStart }, actorOf(c));
    return c.json({ pid, action: "cancel" as const }, 200);
  });

  router.openapi(terminateRoute, async (c) => {
    const { pid } = c.req.valid("param");
    const { backend_start: backendStart } = c.req.valid("query");
    await sessions.signal("terminate", { pid, backendStart }, actorOf(c));
    return c.json({ pid, action: "terminate" as const }, 200);
  });

  router.openapi(queriesRoute, (c) => {
    const { order, by, slower, ...page } = c.req.valid("query");
    const { queries, ...state } = queriesReport(monitor.snapshot(), changes, order, by);
    const { rows, next_cursor } = pageOf(
      slower ? queries.filter(({ regressions }) => regressions.length > 0) : queries,
      {
        list: `queries ${order} ${by} ${slower}`,
        ...page,
        keyOf: ({ query_id }) => query_id,
      },
    );
    return c.json({ ...state, queries: rows, next_cursor }, 200);
  });

  router.openapi(indexesRoute, (c) => {
    const report = indexesReport(monitor.snapshot());
    const { rows, next_cursor } = pageOf(report.indexes, {
      list: "indexes",
      ...c.req.valid("query"),
      keyOf: ({ table, name }) => `${table} ${name}`,
    });
    return c.json({ ...report, indexes: rows, next_cursor }, 200);
  });

  return router;
}
