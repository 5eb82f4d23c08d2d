import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { InstrumentRow } from "../../db/market/instruments.ts";
import type { Instruments } from "../../services/market/instruments.ts";
import { preconditionOf } from "../guards/etag.ts";
import {
  type AppEnv,
  createRouter,
  cursorParam,
  flagParam,
  inputObject,
  jsonAnswer,
  jsonBody,
  limitParam,
  nextCursor,
  Time,
  wholeParam,
} from "../common/shared.ts";

export const Instrument = z.object({
  id: z.int(),
  symbol: z.string(),
  kind: z.string(),
  currency: z.string().nullable(),
  tick_size: z.number().nullable(),
  created_at: Time,
  deleted_at: Time.nullable(),
}).openapi("Instrument");

const printable = /^[^\p{Cc}\p{Cs}]+$/u;
/** A symbol that the database can store. */
export const SymbolText = z.string().min(1).max(64)
  .regex(printable, "must not have control characters");
const instrumentFields = {
  symbol: SymbolText,
  kind: z.string().min(1).max(32).regex(printable, "must not have control characters").optional(),
  currency: z.string().regex(/^[A-Z]{3,8}$/, "must be 3 to 8 capital letters").nullable()
    .optional(),
  tick_size: z.number().positive().nullable().optional(),
};

const NewInstrument = inputObject(instrumentFields).openapi("NewInstrument");
const InstrumentPatch = inputObject({
  ...instrumentFields,
  symbol: instrumentFields.symbol.optional(),
}).openapi(
  "InstrumentPatch",
);
const InstrumentList = z.object({ instruments: z.array(Instrument), next_cursor: nextCursor })
  .openapi("InstrumentList");
const params = z.object({ id: wholeParam(1, 2_147_483_647) });
const tags = ["instruments"];

const listRoute = createRoute({
  method: "get",
  path: "/api/instruments",
  tags,
  operationId: "listInstruments",
  summary: "List instruments; deleted ones only if requested",
  request: {
    query: z.object({
      symbol: SymbolText.optional(),
      deleted: flagParam.openapi({ description: "Include deleted instruments" }),
      limit: limitParam(1_000, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(InstrumentList, "A page of instruments") },
});

const createOneRoute = createRoute({
  method: "post",
  path: "/api/instruments",
  tags,
  operationId: "createInstrument",
  "x-problems": ["symbol_taken"],
  summary: "Create an instrument",
  request: { body: jsonBody(NewInstrument) },
  responses: { 201: jsonAnswer(Instrument, "The new instrument; Location names it") },
});

const getRoute = createRoute({
  method: "get",
  path: "/api/instruments/{id}",
  tags,
  operationId: "getInstrument",
  summary: "One instrument",
  request: { params },
  responses: { 200: jsonAnswer(Instrument, "The instrument") },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/api/instruments/{id}",
  tags,
  operationId: "updateInstrument",
  "x-problems": ["symbol_taken", "conflict"],
  summary: "Change an instrument",
  request: { params, body: jsonBody(InstrumentPatch) },
  responses: { 200: jsonAnswer(Instrument, "The changed instrument") },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/api/instruments/{id}",
  tags,
  operationId: "deleteInstrument",
  "x-problems": ["instrument_referenced", "conflict"],
  summary: "Soft-delete an instrument, or purge it",
  request: {
    params,
    query: z.object({
      purge: flagParam.openapi({
        description: "Delete it permanently; 409 while a tick refers to it",
      }),
    }),
  },
  responses: {
    200: jsonAnswer(Instrument, "The soft-deleted instrument"),
    204: { description: "Purged" },
  },
});

const restoreRoute = createRoute({
  method: "post",
  path: "/api/instruments/{id}/restore",
  tags,
  operationId: "restoreInstrument",
  "x-problems": ["symbol_taken", "conflict"],
  summary: "Restore a soft-deleted instrument",
  request: { params },
  responses: { 200: jsonAnswer(Instrument, "The restored instrument") },
});

export function instrumentRoutes({ instruments }: { instruments: Instruments }) {
  const router = createRouter();
  const unchanged = (c: Context<AppEnv>) => preconditionOf<InstrumentRow>(c, (row) => row);
  router.openapi(listRoute, async (c) => {
    const page = await instruments.list(c.req.valid("query"));
    return c.json({ instruments: page.rows, next_cursor: page.next_cursor }, 200);
  });
  router.openapi(createOneRoute, async (c) => {
    const created = await instruments.create(c.req.valid("json"));
    c.header("Location", `/api/instruments/${created.id}`);
    return c.json(created, 201);
  });
  router.openapi(
    getRoute,
    async (c) => c.json(await instruments.get(c.req.valid("param").id), 200),
  );
  router.openapi(
    patchRoute,
    async (c) =>
      c.json(
        await instruments.update(c.req.valid("param").id, c.req.valid("json"), unchanged(c)),
        200,
      ),
  );
  router.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid("param");
    if (!c.req.valid("query").purge) {
      return c.json(await instruments.softDelete(id, unchanged(c)), 200);
    }
    await instruments.purge(id, unchanged(c));
    return c.body(null, 204);
  });
  router.openapi(
    restoreRoute,
    async (c) => c.json(await instruments.restore(c.req.valid("param").id), 200),
  );
  return router;
}
