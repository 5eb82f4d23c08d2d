import type { DeliveryRecord } from "../../db/alerts/deliveries.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import { createDeliveries } from "../../services/alerts/notify/deliveries.ts";
import type { DeliveryEvent } from "../../services/alerts/notify/delivery_events.ts";
import type { Notice } from "../../services/alerts/notify/due.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import type { Timers } from "../../lib/clock.ts";
import type { ChannelSetting } from "../../config/channels.ts";
import { eventually } from "./eventually.ts";

export const at = "2026-01-01T00:00:00.000Z";
export const types = ["webhook", "slack", "pagerduty", "alertmanager"] as const;

export const setting = (type: ChannelSetting["type"]): ChannelSetting => ({
  name: "ops",
  type,
  url: "http://receiver.example",
  secret: "long enough",
  min_severity: "warning",
});

export const notice = (rule: string, kind: Notice["kind"] = "fired"): Notice => ({
  kind,
  alert: {
    ...sampleAlert("", at),
    rule,
    message: `about ${rule}`,
    state: "firing",
    resolved_at: null,
  },
});

export interface Sent {
  rules: string[];
  id: string | null;
  status: number;
}

/** A channel of a type, whose receiver answers by the rules in a request. */
export function channel(
  type: ChannelSetting["type"],
  answer: (rules: string[], sent: readonly Sent[]) => number | Response | Promise<Response>,
  { timers }: { timers?: Timers } = {},
) {
  const saved = new Map<string, DeliveryRecord>();
  const sent: Sent[] = [];
  const deliveries = createDeliveries({
    settings: [setting(type)],
    owner: "me",
    sender: { instance: "one", url: "http://127.0.0.1:8000/" },
    store: {
      saveDelivery: (record) => void saved.set(record.id, record),
      deliveries: () => Promise.resolve([]),
      notifiedAt: () => Promise.resolve(new Map()),
      isDeliveryUnsaved: () => false,
      db: {} as RecordsDb,
    },
    clock: { now: () => new Date(Date.parse(at) + (timers?.nowMs() ?? 0)) },
    ...(timers && { timers }),
    log: createLogger({ level: "error", write: () => {} }),
    fetch: async (_, { body, headers }) => {
      const rules = [...String(body).matchAll(/about (\w+)/g)].map(([, rule]) => rule!)
        .concat([...String(body).matchAll(/holdfast\/(\w+)/g)].map(([, rule]) => rule!));
      const unique = [...new Set(rules)];
      const id = new Headers(headers).get("webhook-id");
      const answered = answer(unique, sent);
      if (answered instanceof Promise) {
        const response = await answered;
        sent.push({ rules: unique, id, status: response.status });
        return response;
      }
      const status = typeof answered === "number" ? answered : answered.status;
      sent.push({ rules: unique, id, status });
      return typeof answered === "number" ? new Response(null, { status }) : answered;
    },
  });
  const events = () =>
    [...saved.values()].flatMap(({ notices }) =>
      (notices as DeliveryEvent[]).map(({ alert, state, error }) => [alert.rule, state, error])
    );
  return { deliveries, sent, saved, events, record: () => [...saved.values()][0]! };
}

export const over = ({ saved }: ReturnType<typeof channel>) =>
  eventually(
    () => saved.size > 0 && [...saved.values()].every(({ state }) => state !== "queued"),
    "it is over",
  );
