import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import type { Alerts } from "../../services/alerts/service.ts";
import { Silence, SilenceInput, SilenceList } from "./schemas.ts";
import { createRouter, jsonAnswer, jsonBody } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["alerts"];
const path = "/api/alerts/silences";

const listRoute = createRoute({
  method: "get",
  path,
  tags,
  operationId: "listSilences",
  summary: "Silences that apply now or later, and those that ended within a day",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(SilenceList, "A page of silences") },
});

const createSilenceRoute = createRoute({
  method: "post",
  path,
  tags,
  operationId: "createSilence",
  "x-problems": ["not_found"],
  summary: "Suppress notifications for a time, from now or later; alerts still fire and are shown",
  request: { body: jsonBody(SilenceInput) },
  responses: { 201: jsonAnswer(Silence, "The silence") },
});

const endRoute = createRoute({
  method: "delete",
  path,
  tags,
  operationId: "endSilence",
  "x-problems": ["not_found"],
  summary: "End a silence now",
  request: { query: z.object({ id: z.uuid() }) },
  responses: { 200: jsonAnswer(Silence, "The silence, ended") },
});

export function alertSilenceRoutes({ alerts }: { alerts: Alerts }) {
  const router = createRouter();

  router.openapi(listRoute, async (c) => {
    const { rows, next_cursor } = pageOf(await alerts.silences.list(), {
      list: "silences",
      ...c.req.valid("query"),
      keyOf: ({ id }) => id,
    });
    return c.json({ silences: rows, next_cursor }, 200);
  });

  router.openapi(createSilenceRoute, async (c) => {
    const { rule, scope, reason, starts_at, ends_at, duration_seconds } = c.req.valid("json");
    if (rule !== null) alerts.rule(rule);
    const startsAt = starts_at === undefined ? undefined : new Date(starts_at);
    const from = startsAt ?? alerts.now();
    const endsAt = ends_at === undefined
      ? new Date(from.getTime() + (duration_seconds ?? 0) * 1000)
      : new Date(ends_at);
    if (`${rule}${scope}${reason}`.includes("\0")) {
      throw new HoldfastError(
        "invalid_request",
        "Cannot make the silence: a text has a NUL character",
      );
    }
    const silence = await alerts.silences.create(
      { rule, scope, reason, startsAt, endsAt },
      c.get("role"),
    );
    return c.json(silence, 201);
  });

  router.openapi(endRoute, async (c) => {
    return c.json(await alerts.silences.end(c.req.valid("query").id), 200);
  });

  // The earlier form; not published, because it could be the path of an alert with the id "silences".
  router.delete(
    `${path}/:id`,
    (c) => c.redirect(`${path}?id=${encodeURIComponent(c.req.param("id"))}`, 308),
  );
  return router;
}
