import { createRoute, z } from "@hono/zod-openapi";
import { candleIntervals } from "../../db/market/candles.ts";
import type { CandleRebuild } from "../../services/market/candle_rebuild.ts";
import type { Operations } from "../../services/requests/operations.ts";
import { EndedEarly } from "../../services/requests/work.ts";
import type { Market } from "../../services/market/service.ts";
import { SymbolText } from "./instruments.ts";
import { noteSource, readFromHeaders, stalenessParam } from "./read_source.ts";
import {
  answerWork,
  isDryRun,
  operationAnswer,
  preferenceOf,
  preferHeader,
} from "../common/long_work.ts";
import {
  createRouter,
  cursorParam,
  dryRunParam,
  inputObject,
  jsonAnswer,
  jsonBody,
  limitParam,
  nextCursor,
  Time,
} from "../common/shared.ts";

export const Candle = z.object({
  ts: Time.openapi({ description: "Start of the interval, UTC" }),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trades: z.int(),
}).openapi("Candle");

const CandleList = z.object({ candles: z.array(Candle), next_cursor: nextCursor }).openapi(
  "CandleList",
);

const listRoute = createRoute({
  method: "get",
  path: "/api/candles",
  tags: ["ticks"],
  operationId: "listCandles",
  "x-problems": ["not_found"],
  summary: "Candles of one instrument",
  request: {
    query: z.object({
      symbol: SymbolText,
      interval: z.enum(candleIntervals).default("1m"),
      from: Time.optional().openapi({ description: "Included" }),
      to: Time.optional().openapi({ description: "End, exclusive" }),
      limit: limitParam(10_000, 1_000),
      staleness_seconds: stalenessParam,
      cursor: cursorParam,
    }),
  },
  responses: {
    200: { ...jsonAnswer(CandleList, "A page of candles, oldest first"), headers: readFromHeaders },
  },
});

const rebuildRoute = createRoute({
  method: "post",
  path: "/api/candles/rebuild",
  tags: ["ticks"],
  operationId: "rebuildCandles",
  "x-problems": ["not_found", "conflict"],
  summary: "Rebuild candles from the stored ticks",
  description:
    "Corrects candles after SQL from outside Holdfast changed market.ticks. Each day is one transaction. Minutes without a partition keep their candles.",
  request: {
    headers: preferHeader,
    query: z.object({
      dry_run: dryRunParam.openapi({
        description: "Count the differences without changing anything",
      }),
    }),
    body: jsonBody(
      inputObject({
        symbol: SymbolText,
        from: Time.optional().openapi({ description: "Start of the first minute, inclusive" }),
        to: Time.optional().openapi({ description: "End, exclusive" }),
        dry_run: z.boolean().optional().openapi({
          description: "Use the query parameter dry_run instead",
          deprecated: true,
        }),
        force: z.boolean().default(false).openapi({
          description:
            "Include days whose partition was detached. Their candles lose the ticks that are no longer in the table",
        }),
      }).openapi("CandleRebuildRequest"),
    ),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        minutes_checked: z.int().openapi({ description: "Minutes with ticks or a candle" }),
        changed: z.int().openapi({ description: "Candles that differed or were missing" }),
        removed: z.int().openapi({ description: "Candles without ticks" }),
        skipped: z.array(z.object({ partition: z.string(), reason: z.string() })),
        next_from: Time.nullable().openapi({
          description:
            "Where to continue if the time of one request did not suffice; always null with Prefer: respond-async",
        }),
      }).openapi("CandleRebuildAnswer"),
      "What differed; corrected unless it was a dry run",
    ),
    202: operationAnswer,
  },
});

export function candleRoutes(
  { market, candleRebuild, operations }: {
    market: Market;
    candleRebuild: CandleRebuild;
    operations: Pick<Operations, "begin">;
  },
) {
  const router = createRouter();
  router.openapi(rebuildRoute, async (c) => {
    const { dry_run: inBody, ...request } = c.req.valid("json");
    const dryRun = isDryRun(c.req.valid("query").dry_run, inBody);
    const whole = preferenceOf(c.req.header("prefer")).isAsync;
    return await answerWork(c, operations, {
      kind: "candle_rebuild",
      subject: request.symbol,
      afterAbort:
        "the candles of completed days stay; next_from in result states where to continue",
      async run(context) {
        const answer = await candleRebuild.rebuild({ ...request, dryRun, whole }, context);
        if (context.signal?.aborted && answer.next_from !== null) throw new EndedEarly(answer);
        return answer;
      },
      client: dryRun ? c.req.raw.signal : undefined,
    });
  });
  router.openapi(listRoute, async (c) => {
    const page = await market.candles(c.req.valid("query"));
    noteSource(c, page.source);
    return c.json({ candles: page.rows, next_cursor: page.next_cursor }, 200);
  });
  return router;
}
