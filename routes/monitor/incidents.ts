import { createRoute, z } from "@hono/zod-openapi";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import { type IncidentQuery, listIncidentsOf } from "../../services/databases/incidents.ts";
import { type DatabaseMembers, servicesOf } from "../../services/databases/members.ts";
import type { Incidents } from "../../services/monitor/incidents/incidents.ts";
import {
  createRouter,
  cursorParam,
  jsonAnswer,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";

const tags = ["diagnosis"];

const ofDatabases = (all: string) =>
  z.string().max(200).optional().openapi({
    description: `The name of a database${all}; default: the database of the path`,
  });
const itsDatabase = z.string().openapi({ description: "The database that the incident is about" });

const IncidentList = z.object({
  incidents: z.array(z.object({
    id: z.uuid(),
    database: itsDatabase,
    status: z.enum(["recording", "complete", "interrupted"]),
    alert_id: z.uuid(),
    alert_type: z.string(),
    scope: z.string(),
    opened_at: Time,
    closed_at: Time.nullable(),
    bytes: z.int().nullable().openapi({
      description: "Size of the report; null while it is recorded",
    }),
  })),
  next_cursor: nextCursor,
  complete: z.boolean().openapi({
    description:
      "false: a database did not answer; of its incidents only those that are in memory are listed",
  }),
}).openapi("IncidentList");

const Incident = z.object({
  id: z.uuid(),
  database: itsDatabase,
  status: z.enum(["recording", "complete", "interrupted"]),
  opened_at: Time,
  from: Time,
  to: Time,
  alerts: z.array(z.looseObject({})).openapi({
    description: "Alerts that became critical during the incident",
  }),
  before: z.looseObject({}).openapi({ description: "State when the incident was opened" }),
  after: z.looseObject({}).nullable().openapi({
    description: "State when the incident was closed",
  }),
  sessions: z.array(z.looseObject({})).openapi({
    description: "Active sessions at opening and close",
  }),
  blocking: z.array(z.looseObject({})).openapi({ description: "Root blockers of each snapshot" }),
  changes: z.array(z.looseObject({})).openapi({
    description: "Changes of settings, DDL, restarts and resets of statistics during the incident",
  }),
  maintenance: z.array(z.looseObject({})).nullable().openapi({
    description: "Maintenance of partitions during the incident; null: unknown",
  }),
  samples_every: z.int().openapi({ description: "1: every sample; 2: every second one, …" }),
  samples: z.record(z.string(), z.array(z.array(z.number()))).openapi({
    description: "Per metric: [seconds after from, value]",
  }),
}).openapi("Incident");

const listRoute = createRoute({
  method: "get",
  path: "/api/incidents",
  tags,
  operationId: "listIncidents",
  summary: "Recordings around critical alerts, newest first",
  "x-problems": ["not_found"],
  request: {
    query: z.object({
      database: ofDatabases(", or `*` for all of this process"),
      limit: limitParam(200, 50),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(IncidentList, "A page of incidents") },
});

const readRoute = createRoute({
  method: "get",
  path: "/api/incidents/{id}",
  tags,
  operationId: "getIncident",
  summary: "One incident as one JSON document",
  description:
    "The incident covers ten minutes before the alert to three minutes after it. Literals are removed from statements.",
  request: {
    params: z.object({ id: z.uuid() }),
    query: z.object({ database: ofDatabases("") }),
  },
  responses: { 200: jsonAnswer(Incident, "The report") },
});

/** Routes of the recordings around critical alerts. */
export function incidentRoutes(
  { incidents, members, databaseName }: {
    incidents: Pick<Incidents, "list" | "get">;
    members: DatabaseMembers;
    /** The database that the paths without a parameter are about. */
    databaseName: string;
  },
) {
  const router = createRouter();

  const incidentsOf = (database: string) =>
    database === databaseName ? incidents : servicesOf(members, database).incidents;

  async function pageOf(database: string, query: IncidentQuery) {
    if (database === "*") return await listIncidentsOf(members.list(), query);
    const rows = await incidentsOf(database).list(query);
    return { incidents: rows.map((row) => ({ ...row, database })), complete: true };
  }

  router.openapi(listRoute, async (c) => {
    const { database = databaseName, ...query } = c.req.valid("query");
    let complete = true;
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.time, cursorParts.uuid],
      async read(position, limit) {
        const before = position && { openedAt: position[0], id: position[1] };
        const page = await pageOf(database, { limit, before });
        complete = page.complete;
        return page.incidents;
      },
      positionOf: (row) => [row.opened_at, row.id],
    });
    return c.json({ incidents: rows, next_cursor, complete }, 200);
  });
  router.openapi(readRoute, async (c) => {
    const { database = databaseName } = c.req.valid("query");
    const report = await incidentsOf(database).get(c.req.valid("param").id);
    return c.json({ ...report, database } as z.infer<typeof Incident>, 200);
  });
  return router;
}
