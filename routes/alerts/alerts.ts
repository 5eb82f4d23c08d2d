import { createRoute, z } from "@hono/zod-openapi";
import type { Alerts } from "../../services/alerts/service.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import {
  type DatabaseMembers,
  listAlertsOf,
  servicesOf,
} from "../../services/databases/members.ts";
import type { Rule, RuleLevels } from "../../services/alerts/rules/rule.ts";
import {
  Acknowledgement,
  AlertList,
  ListedAlert,
  type RuleChange,
  RuleChanges,
  RuleList,
} from "./schemas.ts";
import { preconditionOf } from "../guards/etag.ts";
import { createRouter, cursorParam, jsonAnswer, jsonBody, limitParam } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["alerts"];

const listRoute = createRoute({
  method: "get",
  path: "/api/alerts",
  tags,
  operationId: "listAlerts",
  "x-problems": ["not_found"],
  summary: "Alerts, newest first",
  request: {
    query: z.object({
      state: z.enum(["pending", "firing", "resolved"]).optional(),
      database: z.string().max(200).optional().openapi({
        description:
          "The name of a database, or `*` for all of this process; default: the database of the path",
      }),
      limit: limitParam(1_000, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(AlertList, "A page of alerts") },
});

const acknowledgeRoute = createRoute({
  method: "post",
  path: "/api/alerts/{id}/acknowledge",
  tags,
  operationId: "acknowledgeAlert",
  "x-problems": ["conflict"],
  summary: "Acknowledge an alert, which ends its reminders",
  request: {
    params: z.object({ id: z.uuid() }),
    body: { required: false, content: { "application/json": { schema: Acknowledgement } } },
  },
  responses: { 200: jsonAnswer(ListedAlert, "The acknowledged alert") },
});

const rulesRoute = createRoute({
  method: "get",
  path: "/api/alerts/rules",
  tags,
  operationId: "listAlertRules",
  summary: "The rules in force",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(RuleList, "A page of rules") },
});

/** Reads one rule by itself as a list of one. */
function asList(body: unknown): unknown {
  const single = body && typeof body === "object" && "name" in body && !("rules" in body);
  return single ? { rules: [body] } : body;
}

const changeRulesRoute = createRoute({
  method: "put",
  path: "/api/alerts/rules",
  tags,
  operationId: "changeAlertRules",
  "x-problems": ["not_found"],
  summary: "Change levels of rules, all or none; omitted levels stay unchanged",
  request: { body: jsonBody(z.preprocess(asList, RuleChanges)) },
  responses: { 200: jsonAnswer(RuleList, "All rules after the change") },
});

/** Returns the levels of a change, without the fields that cannot be changed. */
function levelsOf(change: z.infer<typeof RuleChange>): Partial<RuleLevels> {
  const { warning, critical, clear, for_seconds, keep_firing_seconds, cooldown_seconds, enabled } =
    change;
  const levels = {
    warning,
    critical,
    clear,
    for_seconds,
    keep_firing_seconds,
    cooldown_seconds,
    enabled,
  };
  return Object.fromEntries(Object.entries(levels).filter(([, value]) => value !== undefined));
}

export function alertRoutes(
  { alerts, members, databaseName }: {
    alerts: Alerts;
    members: DatabaseMembers;
    /** The database that the paths without a parameter are about. */
    databaseName: string;
  },
) {
  const router = createRouter();
  const shown = (rules: readonly Rule[]) => ({
    rules: rules.map((rule) => ({ ...rule, cure: [...rule.cure] })),
    next_cursor: null,
  });
  const allRules = () => shown(alerts.rules());
  async function listOf(database: string, query: Parameters<Alerts["list"]>[0]) {
    const asked = database === databaseName ? alerts : servicesOf(members, database).alerts;
    const page = await asked.list(query);
    return { ...page, alerts: page.alerts.map((alert) => ({ ...alert, database })) };
  }

  router.openapi(listRoute, async (c) => {
    const { state, database = databaseName, ...query } = c.req.valid("query");
    let complete = true;
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.time, cursorParts.uuid],
      async read(position, limit) {
        const asked = {
          state,
          limit,
          before: position && { startedAt: new Date(position[0]), id: position[1] },
        };
        const page = database === "*"
          ? await listAlertsOf(members.list(), asked)
          : await listOf(database, asked);
        complete = page.complete;
        return page.alerts;
      },
      positionOf: (row) => [row.started_at, row.id],
    });
    const shownAlerts = rows.map((alert) => ({ ...alert, cure: [...alert.cure] }));
    return c.json({ alerts: shownAlerts, next_cursor, complete }, 200);
  });

  router.openapi(rulesRoute, (c) => {
    const { rows, next_cursor } = pageOf(allRules().rules, {
      list: "rules",
      ...c.req.valid("query"),
      keyOf: ({ name }) => name,
    });
    return c.json({ rules: rows, next_cursor }, 200);
  });

  router.openapi(changeRulesRoute, async (c) => {
    await alerts.changeRules(
      c.req.valid("json").rules.map((change) => ({
        name: change.name,
        changes: change.reset ? "reset" : levelsOf(change),
      })),
      preconditionOf<readonly Rule[]>(c, shown),
    );
    return c.json(allRules(), 200);
  });

  router.openapi(acknowledgeRoute, async (c) => {
    const { by } = c.req.valid("json");
    const alert = await alerts.acknowledge(
      c.req.valid("param").id,
      [by, c.get("role")].filter(Boolean).join(", "),
    );
    return c.json({ ...alert, database: databaseName, cure: [...alert.cure] }, 200);
  });
  return router;
}
