import type { Publisher } from "../../live/hub.ts";
import type { Alert } from "../alert.ts";
import type { ChangeKind } from "../evaluation/state.ts";
import type { Silences } from "./silences.ts";

export type LiveChange = ChangeKind | "acknowledged" | "silenced" | "unsilenced" | "test";

export interface LiveEvents {
  tell(alert: Alert, change: LiveChange): void;
  /** Tells that an alert is silenced now, or no longer. */
  tellMute(before: Alert, after: Alert): void;
  /** Tells alerts that whoever judged until `endedAt` may have written and not told; what was told is not told again. */
  tellAgain(alerts: readonly Alert[], endedAt: number): void;
  /** Silences that tell which open alerts they mute, and which they let be told again when they are ended. */
  withSilences(silences: Silences): Silences;
}

/** Alerts that fired so long before a Holdfast ended may not have been told. */
const tellAgainMs = 900_000;

/** What an event says of an alert: two Holdfasts that say the same are told once. */
function subjectOf(
  { id, state, severity, acknowledged_at, silenced_by }: Alert,
): { topic: string; digest: string } {
  const digest = [state, severity, acknowledged_at !== null, silenced_by].join(" ");
  return { topic: `alert ${id}`, digest };
}

/** What live clients hear of alerts. `open` answers those that are open, as they are muted now. */
export function createLiveEvents(
  { hub, open, put }: {
    hub: Publisher;
    open: () => readonly Alert[];
    put: (alert: Alert) => void;
  },
): LiveEvents {
  const tell: LiveEvents["tell"] = (alert, change) =>
    hub.publish("performance_alert", { ...alert, change }, subjectOf(alert));

  function tellMute(before: Alert, after: Alert): void {
    if (after.silenced_by === before.silenced_by) return;
    tell(after, after.silenced_by === null ? "unsilenced" : "silenced");
  }

  async function tellingMutes<T>(change: () => Promise<T>): Promise<T> {
    const before = new Map(open().map((alert) => [alert.id, alert]));
    const answer = await change();
    for (const alert of open()) {
      put(alert);
      tellMute(before.get(alert.id) ?? alert, alert);
    }
    return answer;
  }

  return {
    tell,
    tellMute,
    tellAgain(alerts, endedAt) {
      for (const alert of alerts) {
        if (Date.parse(alert.started_at) > endedAt - tellAgainMs) tell(alert, "fired");
      }
    },
    withSilences: (silences) => ({
      ...silences,
      create: (...given) => tellingMutes(() => silences.create(...given)),
      end: (id) => tellingMutes(() => silences.end(id)),
    }),
  };
}
