import { randomUUID } from "node:crypto";
import type { Alert } from "../alert.ts";

const channel = { host: null, min_severity: "warning", rules: null, waiting: 0 } as const;

/** Channels that are always there: every alert goes to the WebSocket and into the log, muted or not. */
export const liveChannels = [
  { name: "websocket", type: "websocket", ...channel },
  { name: "log", type: "log", ...channel },
] as const;

/** An alert that is none, over as soon as it began: for trying a channel. */
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
    cause: "Somebody asked for a test.",
    cure: [],
  };
}
