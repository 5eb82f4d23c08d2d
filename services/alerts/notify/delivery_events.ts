import { randomUUID } from "node:crypto";
import type { DeliveryRecord } from "../../../db/alerts/deliveries.ts";
import { lineOf } from "./channels/channel.ts";
import type { Outcome } from "./channels/post.ts";
import type { Notice } from "./due.ts";

/** A notice and its outcome; saved with its delivery. */
export interface DeliveryEvent extends Notice {
  state: DeliveryRecord["state"];
  error: string | null;
}

/** A delivery that waits or is being sent. */
export interface Delivery {
  record: DeliveryRecord;
  events: readonly DeliveryEvent[];
  /** Consecutive tries without effect. */
  failures: number;
  /** Tries without effect made while an earlier delivery waited: they do not count as failures. */
  passes: number;
  /** When it may be tried again, by performance.now. */
  dueAt: number;
  /** At the last try the receiver answered that it is busy. */
  busy: boolean;
  /** Whether it is saved; a repetition is not. */
  kept: boolean;
}

/** The state of a delivery that was not tried yet. */
export const untried = { failures: 0, passes: 0, dueAt: 0, busy: false, kept: true };

/** Consecutive tries without effect after which a delivery fails permanently. */
export const attemptsMax = 12;
/** At each third consecutive failure the events are sent one by one: one event may fail the others. */
const splitEvery = 3;
const longestWaitMs = 300_000;

/** Returns the wait after a failure (ms): 1 s, then twice as long each time, up to 5 min, or as long as asked. Pure. */
export const backoffMs = (attempts: number, afterMs = 0): number =>
  Math.max(afterMs, Math.min(longestWaitMs, 1_000 * 2 ** (attempts - 1)));

/**
 * Returns whether the events are sent one by one where the next try fails: at each third failure unless the receiver is
 * busy, and in any case before the delivery fails permanently. Pure.
 */
export function splitsFailed(
  { failures, passes, kept }: Pick<Delivery, "failures" | "passes" | "kept">,
  { busy }: { busy: boolean },
): boolean {
  if (failures + 1 >= attemptsMax) return true;
  return !busy && (!kept || (failures + passes + 1) % splitEvery === 0);
}

/** The outcome of each open event; undefined where it was not sent. */
export type Outcomes = readonly (Outcome | undefined)[];

/** Returns whether a try had an effect: an event arrived, or was refused permanently. */
export const hadEffect = (outcomes: Outcomes) =>
  outcomes.some((one) => one && (one.ok || !one.again));

/** Reads the notices of a delivery; those saved without a state of their own get the delivery's. Pure. */
export const eventsOf = (
  notices: readonly (Notice & Partial<DeliveryEvent>)[],
  state: DeliveryRecord["state"],
): DeliveryEvent[] => notices.map((notice) => ({ state, error: null, ...notice }));

/** Returns the events still to be sent. Pure. */
export const openEvents = (events: readonly DeliveryEvent[]): DeliveryEvent[] =>
  events.filter(({ state }) => state === "queued");

/** Applies the outcomes of a try to the open events, in their order. Pure. */
export function withOutcomes(
  events: readonly DeliveryEvent[],
  outcomes: readonly (Outcome | undefined)[],
): DeliveryEvent[] {
  let place = 0;
  return events.map((event) => {
    if (event.state !== "queued") return event;
    const outcome = outcomes[place++];
    if (!outcome) return event;
    if (outcome.ok) return { ...event, state: "delivered", error: null };
    return { ...event, state: outcome.again ? "queued" : "dead", error: outcome.error };
  });
}

/** Ends the open events as failed, with their last error, or else with `error`. Pure. */
export const closeEvents = (events: readonly DeliveryEvent[], error: string): DeliveryEvent[] =>
  events.map((event) =>
    event.state === "queued" ? { ...event, state: "dead", error: event.error ?? error } : event
  );

/** Opens failed events again; delivered ones stay delivered. Pure. */
export const reopenEvents = (notices: readonly (Notice & Partial<DeliveryEvent>)[]) =>
  eventsOf(notices, "dead").map((event): DeliveryEvent =>
    event.state === "dead" ? { ...event, state: "queued", error: null } : event
  );

/** Returns when channels were last notified of an alert, at this notice (milliseconds since 1970); 0 where it does not say. */
const notifiedAt = ({ alert }: Notice): number => Date.parse(alert.notified_at ?? "") || 0;

/**
 * Ends the open events of deliveries after which another Holdfast has notified of their alerts again: sent now, an older
 * notification would be the last that a receiver gets. `latest` has the last notification of each alert, by its id. Events
 * followed by another of the same alert among `deliveries` are as old as that. Pure.
 */
export function withoutOutdated<T extends Pick<Delivery, "record" | "events">>(
  deliveries: readonly T[],
  latest: ReadonlyMap<string, number>,
): T[] {
  const keyOf = ({ record }: T, { alert }: Notice) => `${record.channel} ${alert.id}`;
  const here = new Map<string, number>();
  for (const delivery of deliveries) {
    for (const event of openEvents(delivery.events)) {
      const key = keyOf(delivery, event);
      here.set(key, Math.max(here.get(key) ?? 0, notifiedAt(event)));
    }
  }
  return deliveries.map((delivery) => ({
    ...delivery,
    events: delivery.events.map((event): DeliveryEvent => {
      const last = here.get(keyOf(delivery, event)) ?? 0;
      const isOutdated = event.state === "queued" && last > 0 &&
        (latest.get(event.alert.id) ?? 0) > last;
      return isOutdated
        ? { ...event, state: "dead", error: "a later notification of the alert was made meanwhile" }
        : event;
    }),
  }));
}

/** Returns how a delivery ended: as delivered only where every event was. Pure. */
export const endOf = (events: readonly DeliveryEvent[]): "delivered" | "dead" =>
  events.every(({ state }) => state === "delivered") ? "delivered" : "dead";

/** Returns why events failed, such as "it answered 400" or "1 of 3 events: it answered 400". Pure. */
export function errorOf(events: readonly DeliveryEvent[]): string | null {
  const failed = events.filter(({ error }) => error !== null);
  if (failed.length === 0) return null;
  const reasons = [...new Set(failed.map(({ error }) => error))].slice(0, 3).join("; ");
  return failed.length === events.length
    ? reasons
    : `${failed.length} of ${events.length} events: ${reasons}`;
}

/** Notes the outcomes of a try in a delivery. */
export function applyOutcomes(delivery: Delivery, outcomes: Outcomes): void {
  delivery.events = withOutcomes(delivery.events, outcomes);
  delivery.failures = hadEffect(outcomes) ? 0 : delivery.failures + 1;
  delivery.busy = outcomes.some((outcome) => outcome?.ok === false && outcome.busy);
  delivery.record = { ...delivery.record, attempts: delivery.record.attempts + 1 };
}

/** Returns how long a delivery waits after a try, in milliseconds. Pure. */
export function waitAfter({ failures }: Delivery, outcomes: Outcomes): number {
  const asked = outcomes.map((outcome) => outcome?.ok === false ? outcome.afterMs ?? 0 : 0);
  return backoffMs(Math.max(1, failures), Math.max(0, ...asked));
}

/** Returns a delivery of `notices` to a channel, made at `at` (RFC 3339), under an id of its own. */
export function newDelivery(
  notices: readonly Notice[],
  { channel, owner, at }: { channel: string; owner: string; at: string },
): Delivery {
  const events = eventsOf(notices, "queued");
  const record: DeliveryRecord = {
    id: randomUUID(),
    channel,
    owner,
    state: "queued",
    summary: notices.map(lineOf).join("\n").slice(0, 2_000),
    notices: events,
    attempts: 0,
    created_at: at,
    next_attempt_at: at,
    ended_at: null,
    error: null,
  };
  return { ...untried, record, events };
}
