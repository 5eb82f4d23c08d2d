import type { Publisher } from "../../live/hub.ts";
import type { Alert } from "../alert.ts";
import type { ChangeKind } from "../evaluation/judgement.ts";
import type { Silences } from "./silences.ts";

export type LiveChange = ChangeKind | "acknowledged" | "silenced" | "unsilenced" | "test";

/** The payload of the live event `performance_alert`. */
export type AlertEvent = Alert & { change: LiveChange };

export interface LiveEvents {
  /** Publishes a change of an alert to live clients. */
  publish(alert: Alert, change: LiveChange): void;
  /** Publishes that an alert is silenced now, or no longer. */
  publishMute(before: Alert, after: Alert): void;
  /**
   * Publishes again that alerts fired or ended which the Holdfast that judged them until `endedAt` (ms since 1970) may have
   * saved without publishing it. Clients get no event twice.
   */
  republish(alerts: readonly Alert[], endedAt: number): void;
  /** Returns silences that publish which open alerts they mute, and which are no longer muted after they end. */
  withSilences(silences: Silences): Silences;
}

/** An alert that fired or ended within this time before a Holdfast ended may not have been published. */
const republishMs = 900_000;

/** Returns what identifies an event: of two Holdfasts that publish the same, clients get one. */
function subjectOf(
  { id, state, severity, acknowledged_at, silenced_by }: Alert,
): { topic: string; digest: string } {
  const digest = [state, severity, acknowledged_at !== null, silenced_by].join(" ");
  return { topic: `alert ${id}`, digest };
}

/** Creates what publishes alerts to live clients. `open` returns the open alerts, as they are muted now. */
export function createLiveEvents(
  { hub, open, put }: {
    hub: Publisher;
    open: () => readonly Alert[];
    put: (alert: Alert) => void;
  },
): LiveEvents {
  const publish: LiveEvents["publish"] = (alert, change) =>
    hub.publish("performance_alert", { ...alert, change } satisfies AlertEvent, subjectOf(alert));

  function publishMute(before: Alert, after: Alert): void {
    if (after.silenced_by === before.silenced_by) return;
    publish(after, after.silenced_by === null ? "unsilenced" : "silenced");
  }

  async function publishingMutes<T>(change: () => Promise<T>): Promise<T> {
    const before = new Map(open().map((alert) => [alert.id, alert]));
    const answer = await change();
    for (const alert of open()) {
      put(alert);
      publishMute(before.get(alert.id) ?? alert, alert);
    }
    return answer;
  }

  return {
    publish,
    publishMute,
    republish(alerts, endedAt) {
      for (const alert of alerts) {
        const changedAt = Date.parse(alert.resolved_at ?? alert.started_at);
        if (changedAt <= endedAt - republishMs) continue;
        publish(alert, alert.resolved_at === null ? "fired" : "resolved");
      }
    },
    withSilences: (silences) => ({
      ...silences,
      create: (...given) => publishingMutes(() => silences.create(...given)),
      end: (id) => publishingMutes(() => silences.end(id)),
    }),
  };
}
