import { createRoute, z } from "@hono/zod-openapi";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import type { Operations } from "../../services/requests/operations.ts";
import { Operation, operationAnswer, pollSeconds } from "./long_work.ts";
import { createRouter, cursorParam, jsonAnswer, limitParam, nextCursor } from "./shared.ts";

const tags = ["operations"];

const OperationList = z.object({ operations: z.array(Operation), next_cursor: nextCursor })
  .openapi("OperationList");

const listRoute = createRoute({
  method: "get",
  path: "/api/operations",
  tags,
  operationId: "listOperations",
  summary: "List operations, newest first",
  request: { query: z.object({ limit: limitParam(1_000, 100), cursor: cursorParam }) },
  responses: { 200: jsonAnswer(OperationList, "A page of operations") },
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/operations/{id}",
  tags,
  operationId: "getOperation",
  summary: "One operation with its progress or its outcome",
  description: "While the operation runs, the answer carries Retry-After.",
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 200: jsonAnswer(Operation, "The operation") },
});

const abortRoute = createRoute({
  method: "delete",
  path: "/api/operations/{id}",
  tags,
  operationId: "abortOperation",
  "x-problems": ["not_found", "conflict"],
  summary: "Abort an operation; one that was aborted before is returned unchanged",
  description:
    "Every kind can be aborted. candle_rebuild: its statement is cancelled and rolled back; the candles of " +
    "earlier days stay. partition_apply: the present step is cancelled and rolled back, except that a concurrent detach " +
    "and a seal run to their end; applied steps stay. archive_restore: everything is rolled back. An operation that has " +
    "succeeded or failed, or that runs in another instance, is 409.",
  request: { params: z.object({ id: z.uuid() }) },
  responses: {
    200: jsonAnswer(Operation, "The aborted operation"),
    202: {
      ...operationAnswer,
      description: "It still runs; problems states what it must finish first",
    },
  },
});

/** Work that goes on after its request was answered with 202. */
export function operationRoutes(
  { operations }: { operations: Pick<Operations, "get" | "list" | "abort"> },
) {
  const router = createRouter();
  router.openapi(listRoute, async (c) => {
    const { rows, next_cursor } = await readPage(c.req.valid("query"), {
      parts: [cursorParts.time, cursorParts.uuid],
      read: (position, limit) =>
        operations.list({
          limit,
          before: position && { startedAt: position[0], id: position[1] },
        }),
      positionOf: (row) => [row.started_at, row.id],
    });
    return c.json({ operations: rows, next_cursor }, 200);
  });
  router.openapi(oneRoute, async (c) => {
    const operation = await operations.get(c.req.valid("param").id);
    if (operation.status === "running") c.header("Retry-After", pollSeconds);
    return c.json(operation, 200);
  });
  router.openapi(abortRoute, async (c) => {
    const operation = await operations.abort(c.req.valid("param").id);
    if (operation.status !== "running") return c.json(operation, 200);
    return c.json(operation, 202, { Location: c.req.path, "Retry-After": pollSeconds });
  });
  return router;
}
