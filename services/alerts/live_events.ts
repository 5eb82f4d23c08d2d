import type { Publisher } from "../live/hub.ts";
import type { Alert } from "./alert.ts";
import type { ChangeKind } from "./book.ts";
import type { Silences } from "./silences.ts";

export type LiveChange = ChangeKind | "acknowledged" | "silenced" | "unsilenced" | "test";

export interface LiveEvents {
  tell(alert: Alert, change: LiveChange): void;
  /** Silences that tell which open alerts they mute, and which they let be told again when they are ended. */
  withSilences(silences: Silences): Silences;
}

/** What an event says of an alert: two Holdfasts that say the same are told once. */
function subjectOf(
  { id, state, severity, acknowledged_at, silenced_by }: Alert,
): { topic: string; digest: string } {
  const digest = [state, severity, acknowledged_at, silenced_by].join(" ");
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

  async function tellingMutes<T>(change: () => Promise<T>): Promise<T> {
    const before = new Map(open().map(({ id, silenced_by }) => [id, silenced_by]));
    const answer = await change();
    for (const alert of open()) {
      if (alert.silenced_by === (before.get(alert.id) ?? null)) continue;
      put(alert);
      tell(alert, alert.silenced_by === null ? "unsilenced" : "silenced");
    }
    return answer;
  }

  return {
    tell,
    withSilences: (silences) => ({
      ...silences,
      create: (...given) => tellingMutes(() => silences.create(...given)),
      end: (id) => tellingMutes(() => silences.end(id)),
    }),
  };
}
