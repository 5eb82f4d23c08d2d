import { setImmediate } from "node:timers/promises";
import { createRoute, z } from "@hono/zod-openapi";
import type { DatabaseMembers } from "../../services/databases/members.ts";
import { familiesOfAll } from "../../services/databases/metrics.ts";
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
  description:
    "With several databases, one scrape has the metrics of all, with the label `database`; those of the process have none.",
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
  { monitor, hub, eventLoop, members, version, startedAt }: {
    monitor: Pick<Monitor, "snapshot">;
    hub: Pick<Hub, "seq" | "subscribers">;
    eventLoop: Pick<EventLoopWatch, "lag">;
    members: DatabaseMembers;
    version: string;
    startedAt: number;
  },
) {
  const router = createRouter();
  const pause = () => setImmediate();
  router.openapi(scrapeRoute, async (c) => {
    const format = c.req.header("accept")?.toLowerCase().includes("application/openmetrics-text")
      ? "openmetrics"
      : "prometheus";
    const shared = { version, startedAt, lag: eventLoop.lag() };
    const facts = { ...shared, messages: hub.seq, clients: hub.subscribers };
    const families = members.several
      ? await familiesOfAll(members.list(), shared, pause)
      : familiesOf(monitor.snapshot(), facts);
    const text = await writeExposition(families, format, pause);
    return c.body(text, 200, { "content-type": types[format] }) as never;
  });
  return router;
}
