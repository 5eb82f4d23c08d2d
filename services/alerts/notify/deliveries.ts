import { adoptDeliveries, findDelivery, requeueDelivery } from "../../../db/alerts/silences.ts";
import type { DeliveryRecord } from "../../../db/alerts/alerts.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { ChannelSetting } from "../../../config/channels.ts";
import { type Clock, systemTimers, type Timers } from "../../../lib/clock.ts";
import { dedupKey, type Sender, wants } from "./channels/channel.ts";
import { type Fetch, post } from "./channels/post.ts";
import {
  attemptsMax,
  brought,
  closeEvents,
  type Delivery,
  endOf,
  errorOf,
  eventsOf,
  fresh,
  newDelivery,
  noteTry,
  openEvents,
  reopenEvents,
  splitsFailed,
  type Tried,
  waitAfter,
  withOutcomes,
} from "./delivery_events.ts";
import { type ChannelQueue, emptyQueue, keysWaiting, nextDue, notePause } from "./queue.ts";
import type { Notice } from "./due.ts";
import type { AlertStore } from "../storage/store.ts";

const queueMax = 1_000;
/** Alertmanager forgets what it is not told again (its clients do so every one to three minutes). */
const repeatMs = 60_000;

/** Brings notices to channels: in order per alert, tried again with backoff, given up (and kept) at last. */
export function createDeliveries(
  {
    settings,
    owner,
    sender,
    store,
    clock,
    timers = systemTimers,
    log,
    fetch = globalThis.fetch,
    onChange = () => {},
  }: {
    settings: readonly ChannelSetting[];
    /** Name of this Holdfast. */
    owner: string;
    sender: Sender;
    store: Pick<AlertStore, "saveDelivery" | "deliveries" | "db">;
    clock: Clock;
    timers?: Timers;
    log: Logger;
    fetch?: Fetch;
    /** Something waits to be written. */
    onChange?: () => void;
  },
) {
  const queues = new Map(settings.map(({ name }) => [name, emptyQueue()]));
  const repeated = new Map<string, number>();
  let stopped = false;

  function keep(delivery: Delivery): void {
    if (!delivery.kept) return;
    store.saveDelivery({ ...delivery.record });
    onChange();
  }

  function update(delivery: Delivery, changes: Partial<DeliveryRecord>): void {
    delivery.record = { ...delivery.record, ...changes, notices: delivery.events };
    keep(delivery);
  }

  /** Ends a delivery: with what has reached the channel, and `error` for what has not yet. */
  function end(delivery: Delivery, error: string): void {
    delivery.events = closeEvents(delivery.events, error);
    const failed = errorOf(delivery.events);
    update(delivery, {
      state: endOf(delivery.events),
      error: failed,
      next_attempt_at: null,
      ended_at: clock.now().toISOString(),
    });
    const { id, channel, attempts, summary } = delivery.record;
    if (failed === null) log.debug("alert_delivered", { channel, delivery: id, attempts });
    else {log.error("alert_not_delivered", {
        channel,
        delivery: id,
        attempts,
        error: failed,
        summary,
      });}
  }

  /** Sends what is still open of a delivery, in one piece as long as nothing of it is over. */
  async function tryOnce(
    setting: ChannelSetting,
    delivery: Delivery,
  ): Promise<Tried> {
    const { record: { id }, events } = delivery;
    const open = openEvents(events);
    if (open.length === 0) return [];
    const places = events.flatMap((event, at) => event.state === "queued" ? [at] : []);
    const alone = open.length < events.length
      ? { alone: (at: number) => `${id}-${places[at]}` }
      : {};
    const parcel = { id, notices: open, now: clock.now(), ...alone };
    return await post(setting, {
      ...parcel,
      splitsFailed: (whole) => splitsFailed(delivery, whole),
    }, { sender, fetch });
  }

  /** Applies what came of a try: ends the delivery and takes it from its queue, or lets it wait. */
  function settle({ deliveries }: ChannelQueue, delivery: Delivery, outcomes: Tried): void {
    noteTry(delivery, outcomes);
    if (
      openEvents(delivery.events).length === 0 || delivery.failures >= attemptsMax || !delivery.kept
    ) {
      const at = deliveries.indexOf(delivery);
      if (at >= 0) deliveries.splice(at, 1);
      if (delivery.kept) end(delivery, "not sent");
      return;
    }
    const waitMs = waitAfter(delivery, outcomes);
    delivery.dueAt = timers.nowMs() + waitMs;
    const error = errorOf(delivery.events);
    const next = new Date(clock.now().getTime() + waitMs).toISOString();
    update(delivery, { error, next_attempt_at: next });
    const { channel, attempts } = delivery.record;
    log.warn("alert_delivery_waits", { channel, attempts, error, wait_ms: waitMs });
  }

  /** Works a channel's queue until it is empty or all have to wait. */
  async function work(setting: ChannelSetting, queue: ChannelQueue): Promise<void> {
    while (!stopped) {
      queue.isWanted = false;
      const next = nextDue(queue, timers.nowMs());
      if (!next) return;
      const { delivery, at } = next;
      const waitMs = at - timers.nowMs();
      if (waitMs > 0) {
        queue.cancel = timers.after(waitMs, () => start(setting));
        return;
      }
      const isFirst = delivery === queue.deliveries[0];
      queue.current = delivery;
      const outcomes = await tryOnce(setting, delivery);
      queue.current = undefined;
      notePause(queue, { delivery, outcomes, nowMs: timers.nowMs() });
      // One behind that fails too does not count for it: then it may be the receiver that is not well.
      if (isFirst || brought(outcomes) || !delivery.kept) settle(queue, delivery, outcomes);
      else delivery.passes++;
    }
  }

  function start(setting: ChannelSetting): void {
    const queue = queues.get(setting.name);
    if (!queue || stopped) return;
    queue.isWanted = true;
    if (queue.working) return;
    queue.cancel?.();
    queue.cancel = undefined;
    queue.working = work(setting, queue).finally(() => {
      queue.working = undefined;
      if (queue.isWanted) start(setting);
    });
  }

  function put(setting: ChannelSetting, delivery: Delivery): void {
    const queue = queues.get(setting.name);
    if (!queue) return;
    const { deliveries, current } = queue;
    deliveries.push(delivery);
    // Drops the oldest, but neither the first nor the one under way, whose outcome is not known yet.
    if (deliveries.length > queueMax) {
      const at = deliveries.findIndex((one, place) => place > 0 && one !== current);
      const [dropped] = deliveries.splice(at, 1);
      if (dropped?.kept) end(dropped, `more than ${queueMax} deliveries waited`);
    }
    start(setting);
  }

  const make = (channel: string, notices: readonly Notice[]): Delivery =>
    newDelivery(notices, { channel, owner, at: clock.now().toISOString() });

  function settingOf(name: string): ChannelSetting {
    const setting = settings.find((one) => one.name === name);
    if (!setting) throw new HoldfastError("not_found", `No channel is named ${name}`);
    return setting;
  }

  function resume(records: readonly DeliveryRecord[]): void {
    for (const record of records) {
      const kept = eventsOf(record.notices as Notice[], "queued");
      // Queued again by somebody, and not tried since.
      const events = openEvents(kept).length > 0 ? kept : reopenEvents(kept);
      const delivery: Delivery = { ...fresh, record, events, failures: record.attempts };
      const setting = settings.find(({ name }) => name === record.channel);
      const queue = queues.get(record.channel);
      if (!setting) end(delivery, "no channel has this name any more");
      else if (!queue?.deliveries.some((one) => one.record.id === record.id)) {
        put(setting, delivery);
      }
    }
  }

  return {
    /** Sends what one look brought: one delivery for each channel that wants any of it. */
    send(notices: readonly Notice[]): void {
      for (const setting of settings) {
        const wanted = notices.filter((notice) => wants(setting, notice));
        if (wanted.length === 0) continue;
        const delivery = make(setting.name, wanted);
        keep(delivery);
        put(setting, delivery);
      }
    },
    /**
     * Tells Alertmanagers again of all that fires and about which nothing else waits, unless they take nothing now.
     * Such a repetition is neither kept nor tried twice.
     */
    repeat(notices: readonly Notice[]): void {
      const now = clock.now().getTime();
      for (const setting of settings.filter(({ type }) => type === "alertmanager")) {
        const due = Math.abs(now - (repeated.get(setting.name) ?? -Infinity)) >= repeatMs;
        const queue = queues.get(setting.name);
        if (!due || !queue || queue.deliveries[0]?.busy) continue;
        if (queue.deliveries.some(({ kept }) => !kept)) continue;
        const waiting = keysWaiting(queue);
        const wanted = notices.filter((notice) =>
          wants(setting, notice) && !waiting.has(dedupKey(notice))
        );
        if (wanted.length === 0) continue;
        repeated.set(setting.name, now);
        put(setting, { ...make(setting.name, wanted), kept: false });
      }
    },
    /** Takes up what an earlier process, or one that is gone, did not bring to its end. */
    adopt: async () => resume(await adoptDeliveries(store.db, owner, { own: true })),
    /** Takes up what others that are gone did not bring to its end. */
    adoptAbandoned: async () => resume(await adoptDeliveries(store.db, owner, { own: false })),
    /** One try of a sample, at once and outside the queue; kept nowhere. */
    async test(name: string, notices: readonly Notice[]) {
      const setting = settingOf(name);
      const started = performance.now();
      const sample = make(name, notices);
      const events = withOutcomes(sample.events, await tryOnce(setting, sample));
      const error = errorOf(closeEvents(events, "not sent"));
      return {
        channel: name,
        delivered: error === null,
        error,
        duration_ms: Math.round(performance.now() - started),
      };
    },
    list: (query: Parameters<AlertStore["deliveries"]>[0]) => store.deliveries(query),
    /** Throws `not_found`. */
    async get(id: string): Promise<DeliveryRecord> {
      const record = await findDelivery(store.db, id);
      if (!record) throw new HoldfastError("not_found", `No delivery has the id ${id}`);
      return record;
    },
    async retry(id: string): Promise<DeliveryRecord> {
      const record = await requeueDelivery(store.db, { id, owner, at: clock.now() });
      if (!record) throw new HoldfastError("not_found", `No delivery given up has the id ${id}`);
      const again = { ...record, notices: reopenEvents(record.notices as Notice[]) };
      resume([again]);
      return again;
    },
    /** The channels, without what is secret about them: of an address only its host. */
    channels: () =>
      settings.map(({ name, type, url, min_severity, rules }) => ({
        name,
        type,
        host: url ? new URL(url).host : "events.pagerduty.com",
        min_severity,
        rules: rules ?? null,
        waiting: queues.get(name)?.deliveries.length ?? 0,
      })),
    async stop(): Promise<void> {
      stopped = true;
      for (const { cancel } of queues.values()) cancel?.();
      await Promise.all([...queues.values()].map(({ working }) => working));
    },
  };
}

export type Deliveries = ReturnType<typeof createDeliveries>;
