import { createRoute } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import type { Operations } from "../../services/requests/operations.ts";
import type { Archives } from "../../services/partitions/archive/restore.ts";
import type { Verifications } from "../../services/partitions/sealing/service.ts";
import {
  ArchiveList,
  OneLeaf,
  RestoreAnswer,
  RestoreRequest,
  SealManifest,
  UnsealRequest,
  Verification,
  VerifyRequest,
} from "./proof_schemas.ts";
import {
  answerWork,
  operationAnswer,
  pollHeaders,
  pollSeconds,
  preferenceOf,
  preferHeader,
} from "../common/long_work.ts";
import { createRouter, jsonAnswer, jsonBody, TableName } from "../common/shared.ts";
import { wholeListQuery } from "../common/whole_list.ts";

const tags = ["partitions"];

const verifyRoute = createRoute({
  method: "post",
  path: "/api/partitions/verify",
  tags,
  operationId: "startPartitionVerification",
  "x-problems": ["not_found", "conflict"],
  summary: "Hash sealed partitions again and report each that differs from what was sealed",
  request: {
    headers: preferHeader,
    body: { content: { "application/json": { schema: VerifyRequest } } },
  },
  responses: {
    200: jsonAnswer(Verification, "What was found"),
    202: {
      ...jsonAnswer(Verification, "The verification continues; GET the same path for its progress"),
      headers: pollHeaders,
    },
  },
});

const verificationRoute = createRoute({
  method: "get",
  path: "/api/partitions/verify",
  tags,
  operationId: "getPartitionVerification",
  "x-problems": ["not_found"],
  summary: "The verification that runs, or the last one",
  responses: { 200: jsonAnswer(Verification, "Its progress or its result") },
});

const manifestRoute = createRoute({
  method: "get",
  path: "/api/partitions/manifest",
  tags,
  operationId: "getPartitionManifest",
  "x-problems": ["not_found"],
  summary: "The manifest of a sealed partition: its content when it was sealed",
  request: { query: OneLeaf },
  responses: { 200: jsonAnswer(SealManifest, "The manifest") },
});

const unsealRoute = createRoute({
  method: "post",
  path: "/api/partitions/unseal",
  tags,
  operationId: "unsealPartition",
  "x-problems": ["not_found", "conflict"],
  summary: "Allow writes to a sealed partition again; its manifest is no longer valid",
  request: { body: jsonBody(UnsealRequest) },
  responses: { 204: { description: "The partition accepts writes" } },
});

const archivesRoute = createRoute({
  method: "get",
  path: "/api/partitions/archives",
  tags,
  operationId: "listArchives",
  summary: "Partitions that were archived and read back, newest first",
  request: {
    query: wholeListQuery().extend({ table: TableName.optional() }),
  },
  responses: { 200: jsonAnswer(ArchiveList, "A page of archives") },
});

const restoreRoute = createRoute({
  method: "post",
  path: "/api/partitions/restore",
  tags,
  operationId: "restoreArchive",
  "x-problems": ["not_found", "conflict"],
  summary: "Restore an archived partition and attach it, in one transaction",
  request: { headers: preferHeader, body: jsonBody(RestoreRequest) },
  responses: {
    200: jsonAnswer(
      RestoreAnswer,
      "The partition is attached and sealed; its content equals the manifest",
    ),
    202: operationAnswer,
  },
});

/** Makes the routes of sealed and archived partitions: verify, unseal, restore. */
export function partitionProofRoutes({ verifications, archives, operations }: {
  operations: Pick<Operations, "begin">;
  verifications: Verifications;
  archives: Archives;
}) {
  const router = createRouter();

  router.openapi(verifyRoute, async (c) => {
    const { table, partition, leaf } = c.req.valid("json") ?? {};
    const { waitMs } = preferenceOf(c.req.header("prefer"));
    const found = await verifications.verify(
      { table, partition: partition ?? leaf },
      waitMs,
      c.req.raw.signal,
    );
    if (found.status !== "running") return c.json(found, 200);
    return c.json(found, 202, { Location: c.req.path, "Retry-After": pollSeconds });
  });

  router.openapi(verificationRoute, (c) => {
    const last = verifications.latest();
    if (!last) throw new HoldfastError("not_found", "No verification has run since the start");
    if (last.status === "running") c.header("Retry-After", pollSeconds);
    return c.json(last, 200);
  });

  router.openapi(manifestRoute, async (c) => {
    const { table, partition } = c.req.valid("query");
    return c.json(await verifications.manifest(table, partition), 200);
  });

  router.openapi(unsealRoute, async (c) => {
    const { table, partition, hold_seconds } = c.req.valid("json");
    await verifications.unseal(table, partition, hold_seconds);
    return c.body(null, 204);
  });

  router.openapi(archivesRoute, async (c) => {
    const { table, ...query } = c.req.valid("query");
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.number],
      read: (position, limit) => archives.list({ table, limit, before: position?.[0] }),
      positionOf: (row) => [row.id],
    });
    const page = rows.map((row) => ({
      table: `${row.schema}.${row.table}`,
      partition: `${row.leaf_schema}.${row.leaf_name}`,
      bound: row.bound,
      file: row.file,
      bytes: row.file_bytes,
      sha256: row.file_sha256,
      rows: row.rows,
      content_hash: row.content_hash,
      archived_at: row.archived_at,
      restored_at: row.restored_at,
      dropped: !row.exists,
    }));
    return c.json({ archives: page, next_cursor }, 200);
  });

  router.openapi(restoreRoute, async (c) => {
    const { hold_seconds, ...request } = c.req.valid("json");
    return await answerWork(c, operations, {
      kind: "archive_restore",
      subject: request.partition ?? request.file ?? request.table,
      afterAbort: "nothing was restored or attached",
      run: (context) => archives.restore({ ...request, holdSeconds: hold_seconds }, context),
    });
  });

  return router;
}
