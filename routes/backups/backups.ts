import { createRoute, z } from "@hono/zod-openapi";
import { cutPage } from "../../lib/paging/page.ts";
import type { Backups } from "../../services/backups/service.ts";
import { idPattern } from "../../services/backups/repository.ts";
import { Backup, BackupCheck, BackupList, BackupStart } from "./schemas.ts";
import { pollHeaders, pollSeconds, preferenceOf, preferHeader } from "../common/long_work.ts";
import { createRouter, flagParam, jsonAnswer, limitParam } from "../common/shared.ts";

const tags = ["backups"];
const id = z.string().regex(idPattern, "must be the id of a backup");
const oneBackup = { params: z.object({ id }) };

const listRoute = createRoute({
  method: "get",
  path: "/api/backups",
  tags,
  operationId: "listBackups",
  summary: "List backups, newest first",
  request: { query: z.object({ limit: limitParam(1_000, 100), cursor: id.optional() }) },
  responses: { 200: jsonAnswer(BackupList, "A page of backups") },
});

const startRoute = createRoute({
  method: "post",
  path: "/api/backups",
  tags,
  operationId: "startBackup",
  "x-problems": ["backup_running", "conflict"],
  summary: "Take a backup now; progress is published as backup_status",
  request: { body: { required: false, content: { "application/json": { schema: BackupStart } } } },
  responses: {
    202: { ...jsonAnswer(Backup, "The running backup"), headers: pollHeaders },
  },
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/backups/{id}",
  tags,
  operationId: "getBackup",
  summary: "Get one backup",
  request: oneBackup,
  responses: { 200: jsonAnswer(Backup, "The backup") },
});

const verifyRoute = createRoute({
  method: "post",
  path: "/api/backups/{id}/verify",
  tags,
  operationId: "verifyBackup",
  "x-problems": ["backup_running", "conflict"],
  summary: "Check a backup's files and its copy, and restore it into a scratch server",
  request: {
    ...oneBackup,
    headers: preferHeader,
    body: { required: false, content: { "application/json": { schema: BackupCheck } } },
  },
  responses: {
    200: jsonAnswer(Backup, "The checked backup"),
    202: {
      ...jsonAnswer(
        Backup,
        "The check is still running: poll the backup until its progress is null",
      ),
      headers: pollHeaders,
    },
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/api/backups/{id}",
  tags,
  operationId: "deleteBackup",
  "x-problems": ["backup_running", "conflict"],
  summary: "Abort a running backup, or remove a finished one",
  request: { ...oneBackup, query: z.object({ force: flagParam }) },
  responses: { 204: { description: "The backup was removed" } },
});

const pollAt = (id: string) => ({
  Location: `/api/backups/${id}`,
  "Retry-After": pollSeconds,
});

export function backupRoutes({ backups }: { backups: Backups }) {
  const router = createRouter();

  router.openapi(listRoute, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const found = await backups.list({ limit: limit + 1, before: cursor });
    const { rows, next_cursor } = cutPage(found, limit, ({ id }) => id);
    return c.json({ backups: rows, next_cursor }, 200);
  });

  router.openapi(startRoute, async (c) => {
    const { kind } = c.req.valid("json") ?? {};
    const backup = await backups.start(kind);
    return c.json(backup, 202, pollAt(backup.id));
  });

  router.openapi(oneRoute, async (c) => {
    const backup = await backups.get(c.req.valid("param").id);
    if (backup.progress) c.header("Retry-After", pollSeconds);
    return c.json(backup, 200);
  });

  router.openapi(verifyRoute, async (c) => {
    // A request without a body has the defaults.
    const { restore = true } = c.req.valid("json") ?? {};
    const { waitMs } = preferenceOf(c.req.header("prefer"));
    const backup = await backups.verify(c.req.valid("param").id, { restore, waitMs });
    return backup.progress ? c.json(backup, 202, pollAt(backup.id)) : c.json(backup, 200);
  });

  router.openapi(removeRoute, async (c) => {
    await backups.remove(c.req.valid("param").id, c.req.valid("query").force);
    return c.body(null, 204);
  });

  return router;
}
