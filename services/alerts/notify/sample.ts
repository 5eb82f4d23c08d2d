import { randomUUID } from "node:crypto";
import type { Clock } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import { type Alert, runbookOf } from "../alert.ts";
import type { Deliveries } from "./deliveries.ts";
import type { LiveEvents } from "./live_events.ts";

const channel = { host: null, min_severity: "warning", rules: null, waiting: 0 } as const;

/** The channels that always exist: every alert goes to the WebSocket and into the log, muted or not. */
export const liveChannels = [
  { name: "websocket", type: "websocket", ...channel },
  { name: "log", type: "log", ...channel },
] as const;

/** Returns a made-up alert for testing a channel. It began and ended at `at` (RFC 3339). */
export function sampleAlert(instance: string, at: string): Alert {
  return {
    id: randomUUID(),
    rule: "test",
    alert_type: "test_critical",
    severity: "critical",
    peak_severity: "critical",
    state: "resolved",
    message: `A test from Holdfast ${instance}: nothing is wrong`,
    value: null,
    threshold: null,
    scope: "",
    instance,
    started_at: at,
    resolved_at: at,
    acknowledged_at: null,
    acknowledged_by: null,
    flapping: false,
    unknown_since: null,
    silenced_by: null,
    inhibited_by: null,
    notified_at: at,
    notified_severity: "critical",
    evidence: [],
    cause: "A test of the channel was requested.",
    cure: [],
    runbook: runbookOf("test"),
  };
}

/** Sends a sample alert through one channel, at once: it fires and is resolved. Throws `not_found`. */
export async function testChannel(
  name: string,
  { instance, live, deliveries, clock, log }: {
    instance: string;
    live: LiveEvents;
    deliveries: Pick<Deliveries, "test">;
    clock: Clock;
    log: Logger;
  },
) {
  const alert = sampleAlert(instance, clock.now().toISOString());
  if (name === "websocket" || name === "log") {
    if (name === "log") log.info("alert_test", { message: alert.message });
    else live.publish(alert, "test");
    return { channel: name, delivered: true, error: null, duration_ms: 0 };
  }
  return await deliveries.test(name, [
    { kind: "fired", alert: { ...alert, state: "firing", resolved_at: null } },
    { kind: "resolved", alert },
  ]);
}
