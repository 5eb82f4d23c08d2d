import { createRoute, z } from "@hono/zod-openapi";
import type { Hub } from "../../services/live/hub.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import { type Format, writeExposition } from "../../services/monitor/export/exposition.ts";
import { familiesOf } from "../../services/monitor/export/process.ts";
import type { EventLoopWatch } from "../../services/monitor/collect/event_loop.ts";
import { createRouter } from "../common/shared.ts";

const types: Record<Format, string> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const scrapeRoute = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["metrics"],
  operationId: "getExposition",
  summary: "All metrics in the format of Prometheus, or of OpenMetrics on request",
  responses: {
    200: {
      description: "Metrics from the last snapshot: a scrape does not read the database",
      content: {
        "text/plain": { schema: z.string() },
        "application/openmetrics-text": { schema: z.string() },
      },
    },
  },
});

/** The scrape target of Prometheus. It answers from memory, also while the database is unreachable. */
export function expositionRoutes(
  { monitor, hub, eventLoop, version, startedAt }: {
    monitor: Pick<Monitor, "snapshot">;
    hub: Pick<Hub, "seq" | "subscribers">;
    eventLoop: Pick<EventLoopWatch, "lag">;
    version: string;
    startedAt: number;
  },
) {
  const router = createRouter();
  router.openapi(scrapeRoute, (c) => {
    const format = c.req.header("accept")?.includes("application/openmetrics-text")
      ? "openmetrics"
      : "prometheus";
    const facts = {
      version,
      startedAt,
      messages: hub.seq,
      clients: hub.subscribers,
      lag: eventLoop.lag(),
    };
    const text = writeExposition(familiesOf(monitor.snapshot(), facts), format);
    return c.body(text, 200, { "content-type": types[format] }) as never;
  });
  return router;
}
