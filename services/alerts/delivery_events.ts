import type { DeliveryRecord } from "../../db/alerts.ts";
import type { Outcome } from "./channels/post.ts";
import type { Notice } from "./notices.ts";

/** A notice with what has become of it; kept with its delivery. */
export interface DeliveryEvent extends Notice {
  state: DeliveryRecord["state"];
  error: string | null;
}

/** Reads the notices of a delivery; those kept without a state of their own have the delivery's. Pure. */
export const eventsOf = (
  notices: readonly (Notice & Partial<DeliveryEvent>)[],
  state: DeliveryRecord["state"],
): DeliveryEvent[] => notices.map((notice) => ({ state, error: null, ...notice }));

/** Selects what is still to be sent. Pure. */
export const openEvents = (events: readonly DeliveryEvent[]): DeliveryEvent[] =>
  events.filter(({ state }) => state === "queued");

/** Applies what came of a try to the open events, in their order. Pure. */
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

/** Gives up what is still open, for the reason it failed last, or else for `error`. Pure. */
export const closeEvents = (events: readonly DeliveryEvent[], error: string): DeliveryEvent[] =>
  events.map((event) =>
    event.state === "queued" ? { ...event, state: "dead", error: event.error ?? error } : event
  );

/** Opens anew what was given up; what has arrived stays delivered. Pure. */
export const reopenEvents = (notices: readonly (Notice & Partial<DeliveryEvent>)[]) =>
  eventsOf(notices, "dead").map((event): DeliveryEvent =>
    event.state === "dead" ? { ...event, state: "queued", error: null } : event
  );

/** Tells how a delivery ended: as delivered only when each of its events is. Pure. */
export const endOf = (events: readonly DeliveryEvent[]): "delivered" | "dead" =>
  events.every(({ state }) => state === "delivered") ? "delivered" : "dead";

/** Sums up why events failed: "it answered 400", of several "1 of 3 events: it answered 400". Pure. */
export function errorOf(events: readonly DeliveryEvent[]): string | null {
  const failed = events.filter(({ error }) => error !== null);
  if (failed.length === 0) return null;
  const reasons = [...new Set(failed.map(({ error }) => error))].slice(0, 3).join("; ");
  return failed.length === events.length
    ? reasons
    : `${failed.length} of ${events.length} events: ${reasons}`;
}
