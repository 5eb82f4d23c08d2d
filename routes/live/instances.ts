import { createRoute, z } from "@hono/zod-openapi";
import type { Instances } from "../../services/live/instances.ts";
import { createRouter, jsonAnswer, nextCursor, Time } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const Instance = z.object({
  id: z.string().openapi({
    description: "Name of the instance: HOLDFAST_INSTANCE, or host and port",
  }),
  version: z.string(),
  since: Time.openapi({ description: "Start of the instance" }),
  last_seen_at: Time,
  alive: z.boolean().openapi({ description: "Whether the instance was seen within the last 15 s" }),
  leads: z.array(z.enum(["alerts"])).openapi({
    description: "Scheduled work that this instance does for all",
  }),
}).openapi("Instance");

const InstanceList = z.object({
  instances: z.array(Instance),
  complete: z.boolean().openapi({
    description:
      "false: the database could not be read, and only the instance that answers is listed",
  }),
  next_cursor: nextCursor,
}).openapi("InstanceList");

const listRoute = createRoute({
  method: "get",
  path: "/api/instances",
  tags: ["health"],
  operationId: "listInstances",
  summary: "The instances on this database",
  description: "The instance that answers comes first, then all others seen within a day.",
  request: { query: wholeListQuery() },
  responses: {
    200: jsonAnswer(
      InstanceList,
      "The instances, their start, and the scheduled work that each does for all",
    ),
  },
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
