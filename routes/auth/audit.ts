import { createRoute, z } from "@hono/zod-openapi";
import type { Audit } from "../../services/auth/audit.ts";
import { scopes } from "../../services/auth/scope.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import {
  createRouter,
  cursorParam,
  jsonAnswer,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";

const AuditList = z.object({
  entries: z.array(z.object({
    request_id: z.uuid().openapi({
      description: "Request id of the first of the requests, as in the log",
    }),
    at: Time,
    until: Time.openapi({ description: "When the last of the requests was answered" }),
    requests: z.int().openapi({
      description:
        "Number of equal requests: tick uploads, and requests answered 4xx, are summed to one entry a minute",
    }),
    via: z.enum(["token", "session", "open"]).openapi({
      description: "open: this server required no token",
    }),
    actor: z.string().openapi({
      description: "Name of the token, or of the token that the session was opened with",
    }),
    actor_id: z.string().openapi({
      description: "Id of the token; empty if no token was required",
    }),
    scope: z.enum(scopes),
    operation: z.string().openapi({ description: "The operationId" }),
    method: z.string(),
    path: z.string(),
    status: z.int().openapi({ description: "HTTP status of the answer" }),
    address: z.string().openapi({ description: "Address of the client" }),
    instance: z.string().openapi({ description: "The instance that answered the request" }),
  })),
  next_cursor: nextCursor,
  waiting: z.int().openapi({
    description: "Entries in memory that are not in the database yet",
  }),
  lost: z.int().openapi({ description: "Entries since the start that exist in the log only" }),
}).openapi("AuditList");

const listRoute = createRoute({
  method: "get",
  path: "/api/audit",
  tags: ["access"],
  operationId: "listAudit",
  summary: "List changes made through this API, newest first",
  description:
    "An entry says who changed what, when, from which address, and with which status. It holds no bodies and no secrets.",
  request: {
    query: z.object({
      from: Time.optional().openapi({ description: "Included" }),
      to: Time.optional().openapi({ description: "End, exclusive" }),
      actor: z.string().min(1).max(200).optional(),
      operation: z.string().min(1).max(100).optional(),
      limit: limitParam(500, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(AuditList, "A page of entries") },
});

/** Lists who changed what. */
export function auditRoutes({ audit }: { audit: Audit }) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const { from, to, actor, operation, ...query } = c.req.valid("query");
    let unwritten = { waiting: 0, lost: 0 };
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.number],
      async read(position, limit) {
        const { entries, ...rest } = await audit.list({
          before: position?.[0],
          from: from === undefined ? undefined : Date.parse(from),
          to: to === undefined ? undefined : Date.parse(to),
          actor,
          operation,
          limit,
        });
        unwritten = rest;
        return entries;
      },
      positionOf: (row) => [row.id],
    });
    const entries = rows.map(({ id: _, ...entry }) => entry) as z.infer<
      typeof AuditList
    >["entries"];
    return c.json({ entries, next_cursor, ...unwritten }, 200);
  });
  return router;
}
