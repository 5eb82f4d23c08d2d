import type { Logger } from "../../../log.ts";
import type { Publisher } from "../../live/hub.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import type { Alert } from "../alert.ts";
import type { Change, ChangeKind } from "../evaluation/judgement.ts";
import type { AlertState } from "../evaluation/state.ts";
import type { Lease } from "../storage/lease.ts";
import type { AlertStore } from "../storage/store.ts";
import type { Deliveries } from "./deliveries.ts";
import { afterNotice, type Notice, noticeDue } from "./due.ts";
import { inhibitedBy } from "./inhibition.ts";
import { createLiveEvents, type LiveEvents } from "./live_events.ts";
import { silencedBy, type Silences } from "./silences.ts";

export interface AnnouncerOptions {
  state: AlertState;
  store: Pick<AlertStore, "saveAlert">;
  lease: Pick<Lease, "leads">;
  silences: Pick<Silences, "present">;
  deliveries: Pick<Deliveries, "send" | "repeat">;
  access: Pick<WriteAccess, "canWrite">;
  hub: Publisher;
  remindMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** Repeats an alert with the severity that channels know: a change that is silenced must not reach them. */
const asNotified = (alert: Alert): Notice => ({
  kind: "reminder",
  alert: { ...alert, severity: alert.notified_severity ?? alert.severity },
});

const levels = { critical: "error", warning: "warn" } as const;

/** Announces changes of alerts: saves them, publishes them to live clients, logs them, and notifies channels. */
export class Announcer {
  readonly live: LiveEvents;
  readonly #options: AnnouncerOptions;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.live = createLiveEvents({
      hub: options.hub,
      open: () => this.open(),
      put: (alert) => options.state.put(alert),
    });
  }

  /** Returns whether this Holdfast answers for an alert: for its own always, for shared ones while it leads. */
  isOurs({ instance }: Alert): boolean {
    return instance !== "" || this.#options.lease.leads();
  }

  /** Returns the open alerts, each with the silence and the inhibition that now apply to it. */
  open(): Alert[] {
    const firing = this.#options.state.open();
    return firing.map((alert) => this.withMutes(alert, firing));
  }

  /** Returns an alert with the silence and the inhibition that now apply to it. */
  withMutes(alert: Alert, firing: readonly Alert[] = this.#options.state.open()): Alert {
    const { silences, now } = this.#options;
    return {
      ...alert,
      silenced_by: silencedBy(alert, silences.present(), now()) ?? null,
      inhibited_by: inhibitedBy(alert, firing) ?? null,
    };
  }

  /** Mutes and unmutes the open alerts. Publishes it for those that are not among `changes`. */
  refreshMutes(changes: readonly Change[]): void {
    const { state } = this.#options;
    const changed = new Set(changes.map(({ alert: { id } }) => id));
    const firing = state.open();
    for (const alert of firing) {
      const muted = this.withMutes(alert, firing);
      state.put(muted);
      if (this.isOurs(alert) && !changed.has(alert.id)) this.live.publishMute(alert, muted);
    }
  }

  /** Saves, publishes and logs a change. A change by another Holdfast was published by that one. */
  announce(alert: Alert, change: ChangeKind | "acknowledged", by: "us" | "another"): void {
    const { store, log } = this.#options;
    if (by === "us") {
      if (this.isOurs(alert)) store.saveAlert(alert);
      this.live.publish(this.withMutes(alert), change);
    }
    log[alert.state === "resolved" ? "info" : levels[alert.severity]]("alert", {
      alert_type: alert.alert_type,
      state: alert.state,
      change,
      message: alert.message,
      scope: alert.scope,
      ...(alert.silenced_by || alert.inhibited_by ? { muted: true } : {}),
    });
  }

  /** Announces an alert as acknowledged; channels that know it are notified. */
  acknowledge(alert: Alert): Alert {
    const { state, deliveries } = this.#options;
    state.put(alert);
    this.announce(alert, "acknowledged", "us");
    if (alert.notified_at !== null && this.isOurs(alert)) {
      deliveries.send([{ kind: "acknowledged", alert }]);
    }
    return alert;
  }

  /** Sends the notices that are due, of the open alerts and of those that ended, and repeats what fires. */
  notify(ended: readonly Alert[], { led }: { led: boolean }): void {
    const { state, store, deliveries, access, remindMs, now } = this.#options;
    const notices: Notice[] = [];
    for (const alert of [...ended, ...state.open().filter((one) => this.isOurs(one))]) {
      const kind = noticeDue(alert, { now: now(), remindMs });
      if (!kind) continue;
      const after = afterNotice(alert, now());
      notices.push({ kind, alert: after });
      if (after.state === "firing") state.put(after);
      store.saveAlert(after);
    }
    if (notices.length > 0) deliveries.send(notices);
    // Also while the database, and so the lease, is unreachable: Alertmanager resolves what is not repeated.
    const known = state.open().filter(({ instance, notified_at }) =>
      (instance !== "" || led || !access.canWrite()) && notified_at !== null
    );
    deliveries.repeat(known.map(asNotified));
  }
}
