import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Changes } from "../../services/monitor/diagnosis/changes.ts";
import { statementReport } from "../../services/monitor/health/reports.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import type { PlanNode as Node } from "../../services/monitor/statements/plan_tree.ts";
import type { Planner } from "../../services/monitor/statements/planner.ts";
import type { WorkPoint } from "../../services/monitor/statements/work_history.ts";
import { createRouter, jsonAnswer, orNull, Time, wholeParam } from "../common/shared.ts";
import { Query, readingState } from "./diagnosis_schemas.ts";

const tags = ["diagnosis"];

const queryId = /^-?[1-9][0-9]{0,18}$/;

/** Says whether a text is a number of 64 bits. */
const has64Bits = (text: string) =>
  !queryId.test(text) || BigInt.asIntN(64, BigInt(text)).toString() === text;

const params = z.object({
  id: z.string().regex(queryId, "must be the query_id of a statement").refine(
    has64Bits,
    "must be the query_id of a statement: a number of 64 bits",
  ).openapi({
    description: "The query_id of GET /api/queries",
    example: "-6883023751393440299",
  }),
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/database/statements/{id}",
  tags,
  operationId: "getStatement",
  "x-problems": ["not_found"],
  summary: "One statement: what it did of late and in all, and how it has become slower",
  request: { params },
  responses: {
    200: jsonAnswer(
      z.object({ ...readingState, statement: Query }).openapi("StatementReport"),
      "The statement, as last read",
    ),
  },
});

const historyRoute = createRoute({
  method: "get",
  path: "/api/database/statements/{id}/history",
  tags,
  operationId: "getStatementHistory",
  "x-problems": ["not_found"],
  summary: "What one statement did over time",
  description:
    "Each minute, the 30 statements that took the longest are kept, and up to 10 that have become slower; of each quarter of " +
    "an hour and day, 60. A statement without points was none of them. Minutes, quarters of an hour and days are kept as " +
    "long as those of metrics.",
  request: {
    params,
    query: z.object({
      from: Time.optional().openapi({ description: "Default: an hour before `to`" }),
      to: Time.optional(),
      step: wholeParam(60, 86_400).optional().openapi({
        description: "Seconds per point; larger if no finer points are kept",
      }),
    }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        query_id: z.string(),
        step_seconds: z.number().openapi({ description: "Time that each point covers" }),
        complete: z.boolean().openapi({
          description: "false: points may be missing; detail says why",
        }),
        detail: z.string(),
        points: z.array(z.object({
          ts: Time.openapi({ description: "When the interval begins" }),
          seconds: z.number().openapi({
            description: "How much of the interval was observed, at most about its length",
          }),
          calls: z.number(),
          total_ms: z.number(),
          mean_ms: z.number().openapi({ description: "Time of one call" }),
          rows: z.number(),
          blocks: z.number().openapi({ description: "Blocks read, from the cache or not" }),
          blocks_read: z.number().openapi({ description: "Those that were not in the cache" }),
          temp_blocks: z.number(),
          wal_bytes: z.number(),
        })),
      }).openapi("StatementHistory"),
      "Sums of each interval, oldest first",
    ),
  },
});

const PlanNode: z.ZodType<Node> = z.object({
  node: z.string().openapi({ example: "Index Scan" }),
  relation: z.string().nullable().openapi({
    description: "Table, CTE or function, with its alias",
  }),
  index: z.string().nullable(),
  role: z.enum(["root", "outer", "inner", "member", "init_plan", "sub_plan", "subquery"]).openapi({
    description: "How its parent uses it",
  }),
  name: z.string().nullable().openapi({ description: "The name of a subplan" }),
  rows: z.number().openapi({ description: "Rows that the planner expects of one execution" }),
  width: z.number().openapi({ description: "Bytes of a row" }),
  startup_cost: z.number(),
  total_cost: z.number(),
  share: z.number().openapi({
    description:
      "Share of the whole cost that this node alone causes, 0 to 1; the shares of all nodes together are 1",
  }),
  subtree_share: z.number().openapi({ description: "The share of the node and all below it" }),
  workers: z.number().nullable().openapi({ description: "Parallel workers that it starts" }),
  per_worker: z.boolean().openapi({
    description: "Whether several processes execute it, so that rows are those of one",
  }),
  conditions: z.array(z.object({ what: z.string(), text: z.string() })),
  left_out: z.int().openapi({
    description:
      "Nodes below that are not shown: of an Append, all but the 12 most expensive members",
  }),
  left_out_share: z.number(),
  // A recursive schema needs an explicit type.
  children: z.lazy(() => z.array(PlanNode)),
}).openapi("PlanNode");

const planRoute = createRoute({
  method: "get",
  path: "/api/database/statements/{id}/plan",
  tags,
  operationId: "getStatementPlan",
  "x-problems": ["not_found"],
  summary: "The generic plan of one statement, as a tree",
  description:
    "The statement is planned with parameters in place of its constants, with the rights and the settings of the role that " +
    "ran it, in a read-only transaction that is rolled back. It is not executed. Postgres 14 and 15 plan it as a prepared " +
    "statement, later versions with EXPLAIN (GENERIC_PLAN). A plan is kept for 30 s; one is made at a time.",
  request: { params },
  responses: {
    200: jsonAnswer(
      z.object({
        query_id: z.string(),
        status: z.enum(["known", "unknown"]).openapi({ description: "unknown: detail says why" }),
        detail: z.string(),
        remedy: z.string().nullable().openapi({
          description: "What an administrator can run so that there is a plan",
        }),
        query: z.string().nullable().openapi({ description: "The whole text, without constants" }),
        role: z.string().nullable().openapi({
          description: "The role that ran it, with whose rights it is planned",
        }),
        planned_at: Time,
        total_cost: z.number().nullable(),
        nodes: z.int().nullable().openapi({ description: "Nodes of the plan, shown or not" }),
        root: orNull(PlanNode),
      }).openapi("StatementPlan"),
      "The plan, or why there is none",
    ),
  },
});

function shownPoint({ ts, blocks_hit, blocks_read, ...sums }: WorkPoint) {
  return {
    ...sums,
    ts: new Date(ts).toISOString(),
    mean_ms: sums.calls > 0 ? sums.total_ms / sums.calls : 0,
    blocks: blocks_hit + blocks_read,
    blocks_read,
  };
}

const notFound = (id: string) =>
  new HoldfastError(
    "not_found",
    `No statement has the id ${id}: it was evicted or reset, or is none of the 1,000 that took the longest`,
  );

/** Routes of one statement. */
export function statementRoutes(
  { monitor, changes, planner, clock }: {
    monitor: Pick<Monitor, "snapshot" | "history">;
    changes: Pick<Changes, "between">;
    planner: Planner;
    clock: Clock;
  },
) {
  const router = createRouter();
  const report = (id: string) => statementReport(monitor.snapshot(), changes, id);

  router.openapi(oneRoute, (c) => {
    const { id } = c.req.valid("param");
    const { statement, ...state } = report(id);
    if (!statement) throw notFound(id);
    return c.json({ ...state, statement }, 200);
  });

  router.openapi(historyRoute, async (c) => {
    const { id } = c.req.valid("param");
    const { step, ...range } = c.req.valid("query");
    const to = range.to ? Date.parse(range.to) : clock.now().getTime();
    const from = range.from ? Date.parse(range.from) : to - 3_600_000;
    if (from > to) {
      throw new HoldfastError("invalid_request", "from is after to", {
        problems: [{ path: "from", message: "is after to" }],
      });
    }
    const { points, stepSeconds, incomplete } = await monitor.history.statements.read({
      queryId: id,
      from,
      to,
      stepSeconds: step,
    });
    if (points.length === 0 && incomplete === undefined && !report(id).statement) {
      throw notFound(id);
    }
    return c.json({
      query_id: id,
      step_seconds: stepSeconds,
      complete: incomplete === undefined,
      detail: incomplete ?? "",
      points: points.map(shownPoint),
    }, 200);
  });

  router.openapi(planRoute, async (c) => {
    const { plannedAt, plan, ...made } = await planner.plan(c.req.valid("param").id);
    return c.json({
      ...made,
      planned_at: new Date(plannedAt).toISOString(),
      total_cost: plan?.total_cost ?? null,
      nodes: plan?.nodes ?? null,
      root: plan?.root ?? null,
    }, 200);
  });

  return router;
}
