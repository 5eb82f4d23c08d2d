import { createRoute, z } from "@hono/zod-openapi";
import type { Rehearsals } from "../../services/rehearsals/service.ts";
import { pollHeaders, pollSeconds } from "../common/long_work.ts";
import { createRouter, cursorParam, jsonAnswer, jsonBody, limitParam } from "../common/shared.ts";
import { AdviceId, Rehearsal, RehearsalList, RehearsalStart } from "./schemas.ts";

const tags = ["rehearsals"];
const oneRehearsal = { params: z.object({ id: z.uuid() }) };
const begun = {
  202: { ...jsonAnswer(Rehearsal, "The running rehearsal"), headers: pollHeaders },
};

const startRoute = createRoute({
  method: "post",
  path: "/api/rehearsals",
  tags,
  operationId: "startRehearsal",
  "x-problems": ["rehearsal_running", "conflict", "storage_full"],
  summary: "Try a change on a copy of the database; progress is published as rehearsal_status",
  request: { body: jsonBody(RehearsalStart) },
  responses: begun,
});

const adviceRoute = createRoute({
  method: "post",
  path: "/api/recommendations/{id}/rehearse",
  tags,
  operationId: "rehearseRecommendation",
  "x-problems": ["not_found", "rehearsal_running", "conflict", "storage_full"],
  summary: "Try a recommendation of /api/health/database on a copy of the database",
  request: { params: z.object({ id: AdviceId }) },
  responses: begun,
});

const listRoute = createRoute({
  method: "get",
  path: "/api/rehearsals",
  tags,
  operationId: "listRehearsals",
  summary: "List rehearsals, newest first",
  request: { query: z.object({ limit: limitParam(100, 20), cursor: cursorParam }) },
  responses: { 200: jsonAnswer(RehearsalList, "A page of rehearsals") },
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/rehearsals/{id}",
  tags,
  operationId: "getRehearsal",
  summary: "Get one rehearsal with its results",
  request: oneRehearsal,
  responses: { 200: jsonAnswer(Rehearsal, "The rehearsal") },
});

const abortRoute = createRoute({
  method: "delete",
  path: "/api/rehearsals/{id}",
  tags,
  operationId: "abortRehearsal",
  "x-problems": ["conflict"],
  summary: "Abort a rehearsal and remove its copies; an ended one stays unchanged",
  request: oneRehearsal,
  responses: { 200: jsonAnswer(Rehearsal, "The ended rehearsal") },
});

const text = { schema: z.string() };
const reportRoute = createRoute({
  method: "get",
  path: "/api/rehearsals/{id}/report",
  tags,
  operationId: "getRehearsalReport",
  summary: "Get a rehearsal as an HTML page or as Markdown",
  request: {
    ...oneRehearsal,
    query: z.object({ format: z.enum(["html", "markdown"]).default("html") }),
  },
  responses: {
    200: { description: "The report", content: { "text/html": text, "text/markdown": text } },
  },
});

export function rehearsalRoutes({ rehearsals }: { rehearsals: Rehearsals }) {
  const router = createRouter();
  const placeOf = ({ id }: { id: string }) => ({
    Location: `/api/rehearsals/${id}`,
    "Retry-After": pollSeconds,
  });

  router.openapi(startRoute, async (c) => {
    const { policy, ...rest } = c.req.valid("json");
    const rehearsal = await rehearsals.start({ ...rest, policy: policy && policyOf(policy) });
    return c.json(rehearsal, 202, placeOf(rehearsal));
  });

  router.openapi(adviceRoute, async (c) => {
    const { id } = c.req.valid("param");
    const rehearsal = await rehearsals.startAdvice(id);
    return c.json(rehearsal, 202, placeOf(rehearsal));
  });

  router.openapi(
    listRoute,
    async (c) => c.json(await rehearsals.list(c.req.valid("query")), 200),
  );

  router.openapi(oneRoute, async (c) => {
    const rehearsal = await rehearsals.get(c.req.valid("param").id);
    if (rehearsal.finished_at === null) c.header("Retry-After", pollSeconds);
    return c.json(rehearsal, 200);
  });

  router.openapi(
    abortRoute,
    async (c) => c.json(await rehearsals.abort(c.req.valid("param").id), 200),
  );

  router.openapi(reportRoute, async (c) => {
    const { format } = c.req.valid("query");
    const report = await rehearsals.render(c.req.valid("param").id, format);
    return c.body(report, 200, { "content-type": `text/${format}; charset=utf-8` });
  });

  return router;
}

function policyOf(
  { table, key_column, policy }: NonNullable<z.output<typeof RehearsalStart>["policy"]>,
) {
  const { table: _table, windows = null, sub_interval = null, ...rest } = policy;
  return { table, key_column, policy: { ...rest, windows, sub_interval } };
}
