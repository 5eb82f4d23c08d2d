import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { type DatabaseMembers, servicesOf } from "../../services/databases/members.ts";
import { byTrouble } from "../../services/databases/summary.ts";
import { createRouter, jsonAnswer, nextCursor } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const Database = z.object({
  name: z.string().openapi({ example: "default" }),
  status: z.enum(["healthy", "degraded", "unhealthy", "unknown"]),
  engine: z.enum(["postgres", "citus", "timescaledb"]).nullable().openapi({
    description: "Detected engine; null until the server has answered",
  }),
  version: z.string().nullable().openapi({
    description: "Version, as the server reports it; null until the server has answered",
  }),
  role: z.enum(["primary", "standby"]).nullable(),
  reasons: z.array(z.string()).openapi({
    description: "Why the status is not healthy, worst reason first; at most five",
  }),
  alerts_firing: z.int().min(0),
  age_ms: z.number().min(0).nullable().openapi({
    description: "Time since the server last answered; null until it has answered",
  }),
}).openapi("Database");

const listRoute = createRoute({
  method: "get",
  path: "/api/databases",
  tags: ["health"],
  operationId: "listDatabases",
  summary: "List the databases that this Holdfast manages, those with problems first",
  description:
    "Without HOLDFAST_DATABASES there is one, `default`. Every path of one database is also at " +
    "`/api/databases/{name}/…`: `/api/databases/default/health` answers as `/api/health` does.",
  request: { query: wholeListQuery() },
  responses: {
    200: jsonAnswer(
      z.object({ databases: z.array(Database), next_cursor: nextCursor }).openapi("DatabaseList"),
      "What was last read of each, with its age",
    ),
  },
});

/** Serves the overview from memory alone, so that a slow database delays nobody. */
export function databaseRoutes({ members }: { members: DatabaseMembers }) {
  const router = createRouter();
  router.openapi(listRoute, (c) => {
    const { rows, next_cursor } = pageOf(
      members.list().map((one) => one.summary()).sort(byTrouble),
      {
        list: "databases",
        ...c.req.valid("query"),
        keyOf: ({ name }) => name,
      },
    );
    return c.json({ databases: rows, next_cursor }, 200);
  });
  // Paths of a database whose Holdfast stands never come here: they are rewritten before.
  router.all("/api/databases/:name/:rest{.+}", (c) => {
    const name = c.req.param("name");
    servicesOf(members, name);
    throw new HoldfastError("database_unavailable", `The database ${name} is being started`, {
      retryAfterSeconds: 1,
    });
  });
  return router;
}
