import { dedupKey } from "./channels/channel.ts";
import {
  backoffMs,
  type Delivery,
  hadEffect,
  openEvents,
  type Outcomes,
} from "./delivery_events.ts";

/** What waits for one channel. Times are those of performance.now, in milliseconds. */
export interface ChannelQueue {
  deliveries: Delivery[];
  /** The delivery that is being sent. */
  current: Delivery | undefined;
  /** Consecutive tries without effect of deliveries behind the first. */
  failures: number;
  /** Until when only the first is tried: others failed too, so the receiver may be the cause. */
  pausedUntil: number;
  /** Cancels the timer that starts the work again. */
  cancel: (() => void) | undefined;
  working: Promise<void> | undefined;
  /** A delivery was added during the work. */
  isWanted: boolean;
}

export const emptyQueue = (): ChannelQueue => ({
  deliveries: [],
  current: undefined,
  failures: 0,
  pausedUntil: 0,
  cancel: undefined,
  working: undefined,
  isWanted: false,
});

const longestPauseMs = 60_000;

const keysOf = ({ events }: Delivery): string[] =>
  openEvents(events).map((event) => dedupKey(event));

/** Returns the keys of the alerts for which a delivery waits. Pure. */
export const keysWaiting = ({ deliveries }: Pick<ChannelQueue, "deliveries">): Set<string> =>
  new Set(deliveries.flatMap(keysOf));

/**
 * Returns the delivery to try next, and when; undefined where none waits. The first one is tried as soon as it is due.
 * Until then the one behind it that is due first is tried, and of several the one with the fewest tries. A delivery about
 * the same alert as an earlier one waits for that one. While the receiver is busy, all wait for the first. Pure.
 */
export function nextDue(
  { deliveries, pausedUntil }: Pick<ChannelQueue, "deliveries" | "pausedUntil">,
  nowMs: number,
): { delivery: Delivery; at: number } | undefined {
  const [first] = deliveries;
  if (!first) return undefined;
  let next = { delivery: first, at: first.dueAt };
  if (first.busy || first.dueAt <= nowMs) return next;
  const held = new Set(keysOf(first));
  for (const delivery of deliveries.slice(1)) {
    const keys = keysOf(delivery);
    const isHeld = keys.some((key) => held.has(key));
    for (const key of keys) held.add(key);
    if (isHeld) continue;
    const at = Math.max(delivery.dueAt, pausedUntil, nowMs);
    if (at < next.at || at === next.at && delivery.passes < next.delivery.passes) {
      next = { delivery, at };
    }
    if (next.at === nowMs && next.delivery.passes === 0) break;
  }
  return next;
}

/** Notes in the queue how long the deliveries behind the first one wait after a try without effect. */
export function applyPause(
  queue: ChannelQueue,
  { delivery, outcomes, nowMs }: { delivery: Delivery; outcomes: Outcomes; nowMs: number },
): void {
  const failed = outcomes.flatMap((one) => one?.ok === false ? [one] : []);
  if (hadEffect(outcomes) && !failed.some(({ busy }) => busy)) {
    queue.failures = 0;
    queue.pausedUntil = 0;
  } else if (delivery !== queue.deliveries[0]) {
    queue.failures++;
    const asked = failed.map(({ busy, afterMs }) => busy ? afterMs ?? 0 : 0);
    const waitMs = Math.min(longestPauseMs, backoffMs(queue.failures));
    queue.pausedUntil = nowMs + Math.max(waitMs, ...asked);
  }
}
