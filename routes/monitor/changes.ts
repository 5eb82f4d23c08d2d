import { createRoute, z } from "@hono/zod-openapi";
import { changeKinds } from "../../db/history/changes.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Changes } from "../../services/monitor/diagnosis/changes.ts";
import {
  createRouter,
  cursorParam,
  inputObject,
  jsonAnswer,
  jsonBody,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";
import { pageOf } from "../common/whole_list.ts";

const tags = ["diagnosis"];

const Change = z.object({
  at: Time,
  kind: z.enum(changeKinds),
  subject: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
}).openapi("ServerChange");

const listRoute = createRoute({
  method: "get",
  path: "/api/changes",
  tags,
  operationId: "listChanges",
  summary: "Changes of the server: settings, DDL, indexes, plans, restarts, marks; newest first",
  request: {
    query: z.object({
      from: Time.optional().openapi({ description: "Default: a day before `to`" }),
      to: Time.optional(),
      limit: limitParam(500, 200),
      cursor: cursorParam,
    }),
  },
  responses: {
    200: jsonAnswer(
      z.object({ changes: z.array(Change), next_cursor: nextCursor }).openapi("ChangeList"),
      "The changes in the range",
    ),
  },
});

const markRoute = createRoute({
  method: "post",
  path: "/api/marks",
  tags,
  operationId: "createMark",
  summary: "Record a mark, such as a deployment, to show beside alerts and slower statements",
  request: {
    body: jsonBody(inputObject({
      text: z.string().trim().min(1).max(200).openapi({ example: "deploy 2026.11.27-1" }),
    })),
  },
  responses: { 201: jsonAnswer(Change, "The mark") },
});

/** Routes of the changes of the server, which help to explain what has become slow. */
export function changeRoutes(
  { changes, clock }: { changes: Pick<Changes, "between" | "note">; clock: Clock },
) {
  const router = createRouter();
  const shown = ({ at, ...change }: ReturnType<Changes["between"]>[number]) => ({
    at: new Date(at).toISOString(),
    ...change,
  });

  router.openapi(listRoute, (c) => {
    const query = c.req.valid("query");
    const to = query.to ? Date.parse(query.to) : clock.now().getTime();
    const from = query.from ? Date.parse(query.from) : to - 86_400_000;
    if (from > to) {
      throw new HoldfastError("invalid_request", "from is after to", {
        problems: [{ path: "from", message: "is after to" }],
      });
    }
    const newest = changes.between(from, to).sort((a, b) => b.at - a.at);
    const { rows, next_cursor } = pageOf(newest, {
      list: "changes",
      limit: query.limit,
      cursor: query.cursor,
      keyOf: ({ at, kind, subject }) => `${at} ${kind} ${subject}`,
    });
    return c.json({ changes: rows.map(shown), next_cursor }, 200);
  });

  router.openapi(markRoute, (c) => {
    const mark = {
      at: clock.now().getTime(),
      kind: "mark" as const,
      subject: c.req.valid("json").text,
      before: null,
      after: null,
    };
    changes.note([mark]);
    return c.json(shown(mark), 201);
  });

  return router;
}
