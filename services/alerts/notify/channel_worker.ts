import type { ChannelSetting } from "../../../config/channels.ts";
import type { Clock, Timers } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import { dedupKey, type Sender, wants } from "./channels/channel.ts";
import { type Fetch, post } from "./channels/post.ts";
import {
  applyOutcomes,
  attemptsMax,
  type Delivery,
  errorOf,
  hadEffect,
  openEvents,
  type Outcomes,
  splitsFailed,
  waitAfter,
} from "./delivery_events.ts";
import type { DeliveryRecorder } from "./recorder.ts";
import type { Notice } from "./due.ts";
import { applyPause, type ChannelQueue, emptyQueue, keysWaiting, nextDue } from "./queue.ts";

/** Deliveries that may wait for a channel. */
export const queueMax = 1_000;
/** Why a delivery failed that was the oldest of more. */
export const tooMany = `more than ${queueMax} deliveries waited`;
/** Alertmanager resolves an alert that it does not get again; its clients repeat every one to three minutes. */
const repeatMs = 60_000;

export interface ChannelWorkerOptions {
  setting: ChannelSetting;
  sender: Sender;
  recorder: DeliveryRecorder;
  clock: Clock;
  timers: Timers;
  log: Logger;
  fetch: Fetch;
}

/** Sends the deliveries of one channel: in order per alert, again with backoff after a failure, one request at a time. */
export class ChannelWorker {
  readonly setting: ChannelSetting;
  readonly #options: ChannelWorkerOptions;
  readonly #queue: ChannelQueue = emptyQueue();
  /** When alerts were last repeated; milliseconds since 1970. */
  #repeatedAt = -Infinity;
  #stopped = false;

  constructor(options: ChannelWorkerOptions) {
    this.setting = options.setting;
    this.#options = options;
  }

  /** Returns how many deliveries wait. */
  get waiting(): number {
    return this.#queue.deliveries.length;
  }

  /** Returns whether the delivery with this id waits. */
  has(id: string): boolean {
    return this.#queue.deliveries.some(({ record }) => record.id === id);
  }

  /** Queues a delivery and starts sending. When the queue is full, the oldest waiting delivery is dropped. */
  add(delivery: Delivery): void {
    const { deliveries, current } = this.#queue;
    deliveries.push(delivery);
    // Neither the first nor the one being sent is dropped: the outcome of these is not known yet.
    if (deliveries.length > queueMax) {
      const at = deliveries.findIndex((one, place) => place > 0 && one !== current);
      const [dropped] = deliveries.splice(at, 1);
      if (dropped?.kept) {
        this.#options.recorder.end(dropped, tooMany);
      }
    }
    this.#start();
  }

  /**
   * Returns those of `notices` to repeat now to an Alertmanager: none before a minute has passed, while the receiver is
   * busy, or while an earlier repetition waits; and none about an alert for which another delivery waits.
   */
  takeRepeats(notices: readonly Notice[]): Notice[] {
    const { deliveries } = this.#queue;
    const now = this.#options.clock.now().getTime();
    // A clock that was set back counts as time that has passed.
    const due = Math.abs(now - this.#repeatedAt) >= repeatMs;
    if (this.setting.type !== "alertmanager" || !due || deliveries[0]?.busy) return [];
    if (deliveries.some(({ kept }) => !kept)) return [];
    const waiting = keysWaiting(this.#queue);
    const wanted = notices.filter((notice) =>
      wants(this.setting, notice) && !waiting.has(dedupKey(notice))
    );
    if (wanted.length > 0) this.#repeatedAt = now;
    return wanted;
  }

  /** Makes one try: sends the open events in one request as long as none of the delivery has ended. */
  async tryOnce(delivery: Delivery): Promise<Outcomes> {
    const { clock, sender, fetch } = this.#options;
    const { record: { id }, events } = delivery;
    const open = openEvents(events);
    if (open.length === 0) return [];
    const places = events.flatMap((event, at) => event.state === "queued" ? [at] : []);
    const alone = open.length < events.length
      ? { alone: (at: number) => `${id}-${places[at]}` }
      : {};
    const message = { id, notices: open, now: clock.now(), ...alone };
    return await post(this.setting, {
      ...message,
      splitsFailed: (failure) => splitsFailed(delivery, failure),
    }, { sender, fetch });
  }

  /** Stops sending and waits for the request under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.cancel?.();
    await this.#queue.working;
  }

  #start(): void {
    const queue = this.#queue;
    if (this.#stopped) return;
    queue.isWanted = true;
    if (queue.working) return;
    queue.cancel?.();
    queue.cancel = undefined;
    queue.working = this.#work().finally(() => {
      queue.working = undefined;
      if (queue.isWanted) this.#start();
    });
  }

  /** Sends deliveries until none waits or all have to wait. */
  async #work(): Promise<void> {
    const { timers } = this.#options;
    const queue = this.#queue;
    while (!this.#stopped) {
      queue.isWanted = false;
      const next = nextDue(queue, timers.nowMs());
      if (!next) return;
      const { delivery, at } = next;
      const waitMs = at - timers.nowMs();
      if (waitMs > 0) {
        queue.cancel = timers.after(waitMs, () => this.#start());
        return;
      }
      const isFirst = delivery === queue.deliveries[0];
      queue.current = delivery;
      const outcomes = await this.tryOnce(delivery);
      queue.current = undefined;
      applyPause(queue, { delivery, outcomes, nowMs: timers.nowMs() });
      // A failure of a later delivery is not counted for it: the receiver may be the cause.
      if (isFirst || hadEffect(outcomes) || !delivery.kept) this.#settle(delivery, outcomes);
      else delivery.passes++;
    }
  }

  /** Applies the outcomes of a try: ends the delivery and removes it from the queue, or lets it wait. */
  #settle(delivery: Delivery, outcomes: Outcomes): void {
    const { recorder, clock, timers, log } = this.#options;
    const { deliveries } = this.#queue;
    applyOutcomes(delivery, outcomes);
    const isOver = openEvents(delivery.events).length === 0 || delivery.failures >= attemptsMax;
    if (isOver || !delivery.kept) {
      const at = deliveries.indexOf(delivery);
      if (at >= 0) deliveries.splice(at, 1);
      if (delivery.kept) recorder.end(delivery, "not sent");
      return;
    }
    const waitMs = waitAfter(delivery, outcomes);
    delivery.dueAt = timers.nowMs() + waitMs;
    const error = errorOf(delivery.events);
    const next = new Date(clock.now().getTime() + waitMs).toISOString();
    recorder.update(delivery, { error, next_attempt_at: next });
    const { channel, attempts } = delivery.record;
    log.warn("alert_delivery_waits", { channel, attempts, error, wait_ms: waitMs });
  }
}
