import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import { partitionsHealth } from "../../services/monitor/health/health.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import { policyReport } from "../../services/partitions/report/report.ts";
import type { Plan } from "../../services/partitions/planning/planner.ts";
import type { Policies } from "../../services/partitions/policy_service.ts";
import type { Operations } from "../../services/requests/operations.ts";
import { EndedEarly } from "../../services/requests/work.ts";
import type { Rotation } from "../../services/partitions/rotation.ts";
import { answerWork, operationAnswer, preferHeader } from "../common/long_work.ts";
import { preconditionOf } from "../guards/etag.ts";
import {
  ApplyAnswer,
  ApplyRequest,
  MaintenanceLog,
  PartitionPlan,
  PartitionTableList,
  PlanRequest,
  Policy,
  PolicyInput,
  PolicyList,
} from "./schemas.ts";
import {
  createRouter,
  cursorParam,
  jsonAnswer,
  jsonBody,
  limitParam,
  TableName,
} from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["partitions"];
const oneTable = { params: z.object({ table: TableName }) };

const tablesRoute = createRoute({
  method: "get",
  path: "/api/partitions",
  tags,
  operationId: "listPartitionedTables",
  summary: "Managed tables with their partitions, as last read",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(PartitionTableList, "A page of managed tables, by name") },
});

const policiesRoute = createRoute({
  method: "get",
  path: "/api/partitions/policies",
  tags,
  operationId: "listPartitionPolicies",
  summary: "Policies: how the partitions of each managed table are created and retired",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(PolicyList, "A page of policies, by table") },
});

const policyRoute = createRoute({
  method: "get",
  path: "/api/partitions/policies/{table}",
  tags,
  operationId: "getPartitionPolicy",
  summary: "One table's policy",
  request: oneTable,
  responses: { 200: jsonAnswer(Policy, "The policy") },
});

const putPolicyRoute = createRoute({
  method: "put",
  path: "/api/partitions/policies/{table}",
  tags,
  operationId: "setPartitionPolicy",
  "x-problems": ["conflict"],
  summary: "Set a table's policy; omitted fields get their defaults",
  request: { ...oneTable, body: jsonBody(PolicyInput) },
  responses: { 200: jsonAnswer(Policy, "The policy, its intervals as Postgres writes them") },
});

const deletePolicyRoute = createRoute({
  method: "delete",
  path: "/api/partitions/policies/{table}",
  tags,
  operationId: "deletePartitionPolicy",
  "x-problems": ["conflict"],
  summary: "Stop managing a table; its partitions are unchanged",
  request: oneTable,
  responses: { 204: { description: "The table is not managed any more" } },
});

const planRoute = createRoute({
  method: "post",
  path: "/api/partitions/plan",
  tags,
  operationId: "planPartitions",
  "x-problems": ["not_found", "conflict"],
  summary: "Every statement that is due, with its lock and its reason; changes nothing",
  request: { body: { content: { "application/json": { schema: PlanRequest } } } },
  responses: { 200: jsonAnswer(PartitionPlan, "The plan and its digest") },
});

const applyRoute = createRoute({
  method: "post",
  path: "/api/partitions/apply",
  tags,
  operationId: "applyPartitionPlan",
  "x-problems": ["not_found", "catalogue_changed", "conflict"],
  summary: "Carry out a plan; 409 if the present plan has another digest",
  request: { headers: preferHeader, body: jsonBody(ApplyRequest) },
  responses: {
    200: jsonAnswer(ApplyAnswer, "What was done, and what was skipped and why"),
    202: operationAnswer,
  },
});

const logRoute = createRoute({
  method: "get",
  path: "/api/partitions/log",
  tags,
  operationId: "listPartitionLog",
  summary: "What was done to partitions, newest first",
  request: {
    query: z.object({
      table: TableName.optional(),
      limit: limitParam(1_000, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(MaintenanceLog, "A page of the maintenance log") },
});

function planAnswer({ digest, steps, skipped, warnings, held }: Plan) {
  const statements = steps.flatMap((step, at) =>
    step.statements.map(({ sql, lock }) => ({
      table: step.table,
      partition: `${step.partition.schema}.${step.partition.name}`,
      action: step.action,
      step: at + 1,
      sql,
      lock,
      reason: step.reason,
      held: held?.has(step) ?? false,
      estimate: step.estimate,
    }))
  );
  const told = [...warnings, ...skipped].map(({ table, reason }) => `${table}: ${reason}`);
  return { digest, statements, skipped, warnings: told };
}

/** Makes the routes of policies, plans and their application. */
export function partitionRoutes({ policies, rotation, monitor, operations }: {
  operations: Pick<Operations, "begin">;
  policies: Policies;
  rotation: Pick<Rotation, "plan" | "apply">;
  monitor: Pick<Monitor, "snapshot">;
}) {
  const router = createRouter();

  /** A plan for a table without a policy would be empty, which is misleading. */
  async function checkManaged(table: string | undefined): Promise<void> {
    if (table !== undefined) await policies.get(table);
  }

  router.openapi(tablesRoute, (c) => {
    const { tables } = partitionsHealth(monitor.snapshot());
    const { rows, next_cursor } = pageOf(tables, {
      list: "tables",
      ...c.req.valid("query"),
      keyOf: ({ table }) => table,
    });
    return c.json({ tables: rows, next_cursor }, 200);
  });

  router.openapi(policiesRoute, async (c) => {
    const all = (await policies.list()).map(policyReport);
    const { rows, next_cursor } = pageOf(all, {
      list: "policies",
      ...c.req.valid("query"),
      keyOf: ({ table }) => table,
    });
    return c.json({ policies: rows, next_cursor }, 200);
  });

  router.openapi(policyRoute, async (c) => {
    const policy = await policies.get(c.req.valid("param").table);
    return c.json(policyReport(policy), 200);
  });

  router.openapi(putPolicyRoute, async (c) => {
    const { table } = c.req.valid("param");
    const { table: named = table, windows = null, sub_interval = null, ...input } = c.req.valid(
      "json",
    );
    if (named !== table) {
      const message = `is ${JSON.stringify(named)}, the path says ${JSON.stringify(table)}`;
      throw new HoldfastError("invalid_request", `Cannot read the policy: table: ${message}`, {
        problems: [{ path: "table", message }],
      });
    }
    const policy = await policies.put(
      table,
      { ...input, windows, sub_interval },
      preconditionOf(c, policyReport),
    );
    return c.json(policyReport(policy), 200);
  });

  router.openapi(deletePolicyRoute, async (c) => {
    await policies.remove(c.req.valid("param").table, preconditionOf(c, policyReport));
    return c.body(null, 204);
  });

  router.openapi(planRoute, async (c) => {
    // The body is optional: without it the plan is for all tables.
    const { table } = c.req.valid("json") ?? {};
    await checkManaged(table);
    return c.json(planAnswer(await rotation.plan(table)), 200);
  });

  router.openapi(applyRoute, async (c) => {
    const { digest, table, confirm } = c.req.valid("json");
    await checkManaged(table);
    return await answerWork(c, operations, {
      kind: "partition_apply",
      subject: table ?? "all tables",
      afterAbort: "the applied steps stay, and a new plan has the others",
      async run(context) {
        const { statements, skipped, aborted } = await rotation.apply(
          digest,
          table,
          confirm,
          context,
        );
        const answer = { applied: statements, skipped };
        if (aborted) throw new EndedEarly(answer);
        return answer;
      },
    });
  });

  router.openapi(logRoute, async (c) => {
    const { table, ...query } = c.req.valid("query");
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.number],
      read: (position, limit) => policies.log({ table, before: position?.[0], limit }),
      positionOf: (row) => [row.id],
    });
    return c.json({ entries: rows, next_cursor }, 200);
  });

  return router;
}
