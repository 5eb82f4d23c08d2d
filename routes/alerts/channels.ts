import { createRoute, z } from "@hono/zod-openapi";
import { type DeliveryRecord, deliveryStates } from "../../db/alerts/deliveries.ts";
import type { Alerts } from "../../services/alerts/service.ts";
import { type DeliveryEvent, eventsOf } from "../../services/alerts/notify/delivery_events.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import { ChannelList, ChannelTest, Delivery, DeliveryList } from "./schemas.ts";
import { pollHeaders, pollSeconds } from "../common/long_work.ts";
import { createRouter, cursorParam, jsonAnswer, limitParam } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["alerts"];
const ChannelName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, "must be the name of a channel")
  .openapi({ example: "ops" });

const channelsRoute = createRoute({
  method: "get",
  path: "/api/alerts/channels",
  tags,
  operationId: "listChannels",
  summary: "The channels that alerts go to, as HOLDFAST_CHANNELS sets them",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(ChannelList, "A page of channels, without their secrets") },
});

const testRoute = createRoute({
  method: "post",
  path: "/api/alerts/channels/{name}/test",
  tags,
  operationId: "testChannel",
  summary: "Send a sample alert once, now, and return the outcome",
  request: { params: z.object({ name: ChannelName }) },
  responses: { 200: jsonAnswer(ChannelTest, "The outcome") },
});

const deliveriesRoute = createRoute({
  method: "get",
  path: "/api/alerts/deliveries",
  tags,
  operationId: "listDeliveries",
  "x-problems": ["not_found"],
  summary: "Deliveries to channels, newest first; `dead` failed permanently",
  request: {
    query: z.object({
      id: z.uuid().optional().openapi({
        description: "Only this delivery; 404 if it does not exist",
      }),
      channel: ChannelName.optional(),
      state: z.enum(deliveryStates).optional(),
      limit: limitParam(1_000, 100),
      cursor: cursorParam,
    }),
  },
  responses: { 200: jsonAnswer(DeliveryList, "A page of deliveries") },
});

const retryRoute = createRoute({
  method: "post",
  path: "/api/alerts/deliveries/{id}/retry",
  tags,
  operationId: "retryDelivery",
  "x-problems": ["conflict"],
  summary: "Queue a permanently failed delivery again",
  request: { params: z.object({ id: z.uuid() }) },
  responses: {
    202: { ...jsonAnswer(Delivery, "The delivery, in the queue"), headers: pollHeaders },
  },
});

/** Returns a delivery as the API shows it: without its owner, and of each event only the outcome. */
function shown({ owner: _, notices, ...row }: DeliveryRecord) {
  const events = eventsOf(notices as DeliveryEvent[], row.state);
  return {
    ...row,
    events: events.map(({ kind, alert, state, error }) => ({
      kind,
      rule: alert.rule,
      scope: alert.scope,
      state,
      error,
    })),
  };
}

export function alertChannelRoutes({ alerts }: { alerts: Alerts }) {
  const router = createRouter();

  router.openapi(channelsRoute, (c) => {
    const { rows, next_cursor } = pageOf(alerts.channels(), {
      list: "channels",
      ...c.req.valid("query"),
      keyOf: ({ name }) => name,
    });
    return c.json({ channels: rows, next_cursor }, 200);
  });

  router.openapi(testRoute, async (c) => {
    return c.json(await alerts.testChannel(c.req.valid("param").name), 200);
  });

  router.openapi(deliveriesRoute, async (c) => {
    const { id, channel, state, ...query } = c.req.valid("query");
    if (id !== undefined) {
      const record = await alerts.deliveries.get(id);
      if (record.state === "queued") c.header("Retry-After", pollSeconds);
      return c.json({ deliveries: [shown(record)], next_cursor: null }, 200);
    }
    const { rows, next_cursor } = await readPage(query, {
      parts: [cursorParts.time, cursorParts.uuid],
      read: (position, limit) =>
        alerts.deliveries.list({
          channel,
          state,
          limit,
          before: position && { createdAt: position[0], id: position[1] },
        }),
      positionOf: (row) => [row.created_at, row.id],
    });
    return c.json({ deliveries: rows.map(shown), next_cursor }, 200);
  });

  router.openapi(retryRoute, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(shown(await alerts.deliveries.retry(id)), 202, {
      Location: `/api/alerts/deliveries?id=${id}`,
      "Retry-After": pollSeconds,
    });
  });

  return router;
}
