import { dedupKey } from "./channels/channel.ts";
import { backoffMs, brought, type Delivery, openEvents, type Tried } from "./delivery_events.ts";

/** What waits for one channel. Times are those of the process's own clock, in milliseconds. */
export interface ChannelQueue {
  deliveries: Delivery[];
  /** The delivery whose request is under way. */
  current: Delivery | undefined;
  /** Tries in a row of deliveries behind the first that brought nothing over. */
  failures: number;
  /** Until when only the first is tried: others failed too, so the receiver may be the cause. */
  pausedUntil: number;
  /** Cancels the timer that starts the work again. */
  cancel: (() => void) | undefined;
  working: Promise<void> | undefined;
  /** Something came while the work was under way. */
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

const keysOf = ({ events }: Delivery): string[] => openEvents(events).map(dedupKey);

/** Returns the keys of the alerts about which something waits. Pure. */
export const keysWaiting = ({ deliveries }: Pick<ChannelQueue, "deliveries">): Set<string> =>
  new Set(deliveries.flatMap(keysOf));

/**
 * Selects the delivery to try next, and when: the first as soon as it is due; meanwhile the one that is due earliest
 * of those behind it, and of several those tried least. What is about the same alert as an earlier delivery waits for
 * that one. While the first waits because the receiver is busy, all wait. Undefined when nothing waits. Pure.
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

/** Notes what a try says of the receiver: how long those behind the first wait if it brought nothing over. */
export function notePause(
  queue: ChannelQueue,
  { delivery, outcomes, nowMs }: { delivery: Delivery; outcomes: Tried; nowMs: number },
): void {
  const failed = outcomes.flatMap((one) => one?.ok === false ? [one] : []);
  if (brought(outcomes) && !failed.some(({ busy }) => busy)) {
    queue.failures = 0;
    queue.pausedUntil = 0;
  } else if (delivery !== queue.deliveries[0]) {
    queue.failures++;
    const asked = failed.map(({ busy, afterMs }) => busy ? afterMs ?? 0 : 0);
    const waitMs = Math.min(longestPauseMs, backoffMs(queue.failures));
    queue.pausedUntil = nowMs + Math.max(waitMs, ...asked);
  }
}
