import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import type { Alerts } from "../../services/alerts/service.ts";
import { explain } from "../../services/alerts/evaluation/explanation.ts";
import {
  rehearse,
  type SampleReader,
  stepFor,
} from "../../services/alerts/evaluation/rehearsal.ts";
import { ExplainedAlert, Rehearsal, RehearsalInput } from "./schemas.ts";
import { createRouter, jsonAnswer, jsonBody } from "../common/shared.ts";

const tags = ["alerts"];
const dayMs = 86_400_000;

const rehearseRoute = createRoute({
  method: "post",
  path: "/api/alerts/rehearse",
  tags,
  operationId: "rehearseAlertRule",
  "x-problems": ["not_found"],
  summary: "Evaluate a rule, with its own or other levels, over stored history",
  request: { body: jsonBody(RehearsalInput) },
  responses: { 200: jsonAnswer(Rehearsal, "The alerts that would have fired") },
});

const alertRoute = createRoute({
  method: "get",
  path: "/api/alerts/{id}",
  tags,
  operationId: "getAlert",
  summary: "One alert, with why it fires and what to do",
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 200: jsonAnswer(ExplainedAlert, "The alert, explained") },
});

export function alertRehearsalRoutes(
  { alerts, samples, databaseName }: {
    alerts: Alerts;
    samples: SampleReader;
    databaseName: string;
  },
) {
  const router = createRouter();

  router.openapi(rehearseRoute, async (c) => {
    const { rule: name, scope, from, to, days = 7, changes } = c.req.valid("json");
    const rule = alerts.tryLevels(name, changes);
    const until = to === undefined ? alerts.now().getTime() : Date.parse(to);
    const asked = from === undefined ? until - days * dayMs : Date.parse(from);
    const since = Math.max(0, asked); // nothing was measured before 1970
    if (since >= until) {
      throw new HoldfastError("invalid_request", "Cannot rehearse: from must be before to", {
        problems: [{ path: "from", message: "must be before to" }],
      });
    }
    const points = await samples.read(rule.metric, scope, since, until, stepFor(since, until));
    const { flapFirings } = alerts;
    const range = { from: since, to: until, flapFirings };
    return c.json(rehearse(rule, scope, points ?? [], range), 200);
  });

  router.openapi(alertRoute, async (c) => {
    const alert = await alerts.find(c.req.valid("param").id);
    const explanation = explain(alerts.rule(alert.rule), alert);
    return c.json(
      { ...alert, database: databaseName, cure: [...alert.cure], explanation },
      200,
    );
  });
  return router;
}
