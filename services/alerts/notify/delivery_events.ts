import { randomUUID } from "node:crypto";
import type { DeliveryRecord } from "../../../db/alerts/deliveries.ts";
import { lineOf } from "./channels/channel.ts";
import type { Outcome } from "./channels/post.ts";
import type { Notice } from "./due.ts";

/** A notice with what has become of it; kept with its delivery. */
export interface DeliveryEvent extends Notice {
  state: DeliveryRecord["state"];
  error: string | null;
}

/** A delivery under way: its record, which is kept, unless it is a mere repetition. */
export interface Delivery {
  record: DeliveryRecord;
  events: readonly DeliveryEvent[];
  /** Tries in a row that brought nothing over. */
  failures: number;
  /** Tries made ahead of an earlier delivery that brought nothing over: they do not count as failures. */
  passes: number;
  /** When it may be tried again, by the process's own clock (performance.now). */
  dueAt: number;
  /** The receiver said at the last try that it takes nothing now. */
  busy: boolean;
  kept: boolean;
}

/** What a delivery begins with. */
export const fresh = { failures: 0, passes: 0, dueAt: 0, busy: false, kept: true };

/** Tries in a row that may bring nothing over. */
export const attemptsMax = 12;
/** After each so many failures in a row, the events of a delivery are sent one by one: one may fail the others. */
const splitEvery = 3;
const longestWaitMs = 300_000;

/** Waits 1 s after the first failure, then twice as long each time, up to 5 min; a receiver may ask for more. Pure. */
export const backoffMs = (attempts: number, afterMs = 0): number =>
  Math.max(afterMs, Math.min(longestWaitMs, 1_000 * 2 ** (attempts - 1)));

/**
 * Whether the events of a delivery are sent one by one after its next try as a whole fails with `busy`: at each third
 * failure unless the receiver is busy, and before it is given up in any case. Pure.
 */
export function splitsFailed(
  { failures, passes, kept }: Pick<Delivery, "failures" | "passes" | "kept">,
  { busy }: { busy: boolean },
): boolean {
  if (failures + 1 >= attemptsMax) return true;
  return !busy && (!kept || (failures + passes + 1) % splitEvery === 0);
}

/** What came of each open event; undefined where it was not sent. */
export type Tried = readonly (Outcome | undefined)[];

/** Whether a try has settled anything: brought an event over, or had it refused for good. */
export const brought = (outcomes: Tried) => outcomes.some((one) => one && (one.ok || !one.again));

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

/** Notes in a delivery what came of a try. */
export function noteTry(delivery: Delivery, outcomes: Tried): void {
  delivery.events = withOutcomes(delivery.events, outcomes);
  delivery.failures = brought(outcomes) ? 0 : delivery.failures + 1;
  delivery.busy = outcomes.some((outcome) => outcome?.ok === false && outcome.busy);
  delivery.record = { ...delivery.record, attempts: delivery.record.attempts + 1 };
}

/** Tells how long a delivery waits after a try, in milliseconds. Pure. */
export function waitAfter({ failures }: Delivery, outcomes: Tried): number {
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
  return { ...fresh, record, events };
}
