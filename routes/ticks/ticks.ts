import { createRoute, z } from "@hono/zod-openapi";
import type { Config } from "../../config/config.ts";
import { HoldfastError } from "../../errors.ts";
import { createAlarms } from "../../services/ingest/admission/alarms.ts";
import { bodySource, readBody } from "../../services/ingest/parse/body.ts";
import type { Ingest } from "../../services/ingest/service.ts";
import { ByteScanner } from "../../services/ingest/parse/bytes/scanner.ts";
import { parseCsv } from "../../services/ingest/parse/parse_csv.ts";
import { parseJson } from "../../services/ingest/parse/parse_json.ts";
import { parseNdjson } from "../../services/ingest/parse/parse_ndjson.ts";
import {
  isOwnForm,
  optionsDigest,
  readMappingOptions,
} from "../../services/ingest/parse/mapping/options.ts";
import type { Market } from "../../services/market/service.ts";
import { idempotencyKeyOf } from "../guards/idempotency.ts";
import { SymbolText } from "../market/instruments.ts";
import { noteSource, readFromHeaders, stalenessParam } from "../market/read_source.ts";
import { mappingQuery } from "./mapping.ts";
import {
  createRouter,
  cursorParam,
  flagParam,
  jsonAnswer,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";

export const Tick = z.object({
  ts: Time,
  symbol: z.string(),
  price: z.number(),
  size: z.number(),
  exchange: z.string().nullable(),
  side: z.string().nullable(),
  trade_id: z.string().nullable(),
}).openapi("Tick");

const NewTick = z.object({
  ts: Time,
  symbol: z.string().min(1).max(64),
  price: z.number().min(0),
  size: z.number().min(0),
  exchange: z.string().max(32).nullable().optional(),
  side: z.string().max(32).nullable().optional(),
  trade_id: z.union([z.string().max(128), z.int()]).nullable().optional(),
}).openapi("NewTick");

export const IngestAnswer = z.object({
  accepted: z.int().openapi({ description: "Ticks stored" }),
  quarantined: z.int().openapi({ description: "Rows put in quarantine, with their reasons" }),
  replayed: z.boolean().openapi({
    description:
      "true: the answer of an earlier upload with the same key; nothing was stored again",
  }),
  errors: z.array(z.object({ line: z.int().optional(), path: z.string(), message: z.string() }))
    .optional().openapi({ description: "The first refused rows" }),
}).openapi("IngestAnswer");

const TickList = z.object({ ticks: z.array(Tick), next_cursor: nextCursor }).openapi("TickList");

const listRoute = createRoute({
  method: "get",
  path: "/api/ticks",
  tags: ["ticks"],
  operationId: "listTicks",
  "x-problems": ["not_found"],
  summary: "List ticks of one instrument in order of time and arrival",
  request: {
    query: z.object({
      symbol: SymbolText,
      from: Time.optional().openapi({ description: "Included" }),
      to: Time.optional().openapi({ description: "End, exclusive" }),
      limit: limitParam(10_000, 1_000),
      order: z.enum(["asc", "desc"]).default("asc"),
      staleness_seconds: stalenessParam,
      cursor: cursorParam,
    }),
  },
  responses: { 200: { ...jsonAnswer(TickList, "A page of ticks"), headers: readFromHeaders } },
});

const ingestQuery = z.object({
  create: flagParam.openapi({ description: "Create instruments for unknown symbols" }),
  backfill: flagParam.openapi({ description: "Accept ticks older than the horizon" }),
});

type Format = "json" | "ndjson" | "csv";

const formats: Record<string, Format> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "text/csv": "csv",
};

const parsers = { json: parseJson, ndjson: parseNdjson, csv: parseCsv };

function formatOf(contentType: string | undefined): Format {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  const format = formats[type];
  if (!format) {
    throw new HoldfastError(
      "unsupported_media_type",
      `Cannot read ${
        type || "a body without a content type"
      }; send application/json, application/x-ndjson or text/csv`,
      { problems: [{ path: "content-type", message: "not a format of ticks" }] },
    );
  }
  return format;
}

function isGzip(encoding: string | undefined): boolean {
  const name = encoding?.trim().toLowerCase() ?? "identity";
  if (name === "gzip" || name === "x-gzip") return true;
  if (name === "identity" || name === "") return false;
  throw new HoldfastError(
    "unsupported_encoding",
    `Cannot decode ${name.slice(0, 40)}; send gzip or no encoding`,
    {
      problems: [{ path: "content-encoding", message: "gzip or identity" }],
    },
  );
}

/** Routes that list and store ticks. The upload is streamed, so the schema documents its body and does not validate it. */
export function tickRoutes(
  { ingest, market, config }: { ingest: Ingest; market: Market; config: Config },
) {
  const router = createRouter();
  const scanner = new ByteScanner();
  const alarms = createAlarms();

  router.openapi(listRoute, async (c) => {
    const page = await market.ticks(c.req.valid("query"));
    noteSource(c, page.source);
    const ticks = page.rows.map(({ seq: _, ...tick }) => tick);
    return c.json({ ticks, next_cursor: page.next_cursor }, 200);
  });

  router.openAPIRegistry.registerPath({
    method: "post",
    path: "/api/ticks",
    tags: ["ticks"],
    operationId: "storeTicks",
    "x-problems": [
      "conflict",
      "malformed_body",
      "unsupported_encoding",
      "too_many_rows",
      "too_many_partitions",
      "idempotency_key_reused",
      "idempotency_in_flight",
      "partition_sealed",
    ],
    summary: "Store ticks; answers after commit",
    description:
      "Refused rows go to the quarantine. A body without a well-formed row is refused entirely. Lines (in a JSON array: elements) are counted from 1. The parameters from `columns` on describe bodies in other layouts.",
    request: {
      query: ingestQuery.extend(mappingQuery.shape),
      headers: z.object({
        "idempotency-key": z.string().max(255).optional().openapi({
          description: "A repeated upload with the same key is stored once",
        }),
        "content-encoding": z.enum(["gzip", "identity"]).optional(),
      }),
      body: {
        required: true,
        content: {
          "application/json": { schema: z.array(NewTick) },
          "application/x-ndjson": { schema: z.string() },
          "text/csv": {
            schema: z.string().openapi({
              example: "ts,symbol,price,size,exchange\n2026-01-31T09:30:00.123Z,SPY,601.25,100,P\n",
            }),
          },
        },
      },
    },
    responses: { 200: jsonAnswer(IngestAnswer, "What was stored") },
  });

  router.post("/api/ticks", async (c) => {
    const query = ingestQuery.safeParse(c.req.query());
    if (!query.success) {
      throw new HoldfastError("invalid_request", "create and backfill must be true or false", {
        problems: query.error.issues.map(({ path, message }) => ({
          path: path.join("."),
          message,
        })),
      });
    }
    const written = mappingQuery.parse(c.req.query());
    const mapping = isOwnForm(written) ? undefined : readMappingOptions(written);
    const format = formatOf(c.req.header("content-type"));
    const idempotencyKey = idempotencyKeyOf(c.req.header("idempotency-key"));
    const body = readBody(bodySource(c.req.raw), {
      gzip: isGzip(c.req.header("content-encoding")),
      maxBytes: format === "json"
        ? config.HOLDFAST_INGEST_MAX_JSON_BYTES
        : config.HOLDFAST_INGEST_MAX_BYTES,
      stallMs: config.HOLDFAST_INGEST_STALL_SECONDS * 1000,
      alarms,
      hashed: idempotencyKey !== undefined,
    });
    const answer = await ingest.ingest({
      batches: parsers[format](body.chunks, {
        batchRows: config.HOLDFAST_INGEST_BATCH_ROWS,
        maxRows: config.HOLDFAST_INGEST_MAX_ROWS,
        scanner,
        mapping,
      }),
      create: query.data.create,
      backfill: query.data.backfill,
      idempotencyKey,
      // The same bytes with other options are another upload.
      fingerprint: () => body.fingerprint() + optionsDigest(written),
      signal: c.req.raw.signal,
    });
    return c.json(answer, 200);
  });

  return router;
}
