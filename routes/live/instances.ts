import { createRoute, z } from "@hono/zod-openapi";
import type { Instances } from "../../services/live/instances.ts";
import { createRouter, jsonAnswer, nextCursor, Time } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const Instance = z.object({
  id: z.string().openapi({ description: "Its name: HOLDFAST_INSTANCE, or host and port" }),
  version: z.string(),
  since: Time.openapi({ description: "When it started" }),
  last_seen_at: Time,
  alive: z.boolean().openapi({ description: "Whether it was seen within the last 15 s" }),
  leads: z.array(z.enum(["alerts"])).openapi({
    description: "Scheduled work that it alone does for all",
  }),
}).openapi("Instance");

const InstanceList = z.object({
  instances: z.array(Instance),
  complete: z.boolean().openapi({
    description: "false: the database could not be asked, and only the one that answers is listed",
  }),
  next_cursor: nextCursor,
}).openapi("InstanceList");

const listRoute = createRoute({
  method: "get",
  path: "/api/instances",
  tags: ["health"],
  operationId: "listInstances",
  summary: "The Holdfasts on this database",
  description: "The one that answers first, then the others seen within a day.",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(InstanceList, "Who is there, since when, and who leads what") },
});

export function instanceRoutes({ instances }: { instances: Pick<Instances, "list"> }) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const { instances: list, complete } = await instances.list();
    const { rows, next_cursor } = pageOf(list, {
      list: "instances",
      ...c.req.valid("query"),
      keyOf: ({ id }) => id,
    });
    return c.json({ instances: rows, complete, next_cursor }, 200);
  });
  return router;
}
