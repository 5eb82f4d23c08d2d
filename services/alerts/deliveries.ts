import { adoptDeliveries, requeueDelivery } from "../../db/alert_watch.ts";
import type { DeliveryRecord } from "../../db/alerts.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { ChannelSetting } from "../../settings/channels.ts";
import { type Clock, systemTimers, type Timers } from "../clock.ts";
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
import type { Notice } from "./notices.ts";
import type { AlertStore } from "./store.ts";

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
  const queues = new Map(settings.map(({ name }) => [name, [] as Delivery[]]));
  /** What cancels the timer of a channel. */
  const waiting = new Map<string, () => void>();
  const working = new Map<string, Promise<void>>();
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
  function settle(queue: Delivery[], delivery: Delivery, outcomes: Tried): void {
    noteTry(delivery, outcomes);
    if (
      openEvents(delivery.events).length === 0 || delivery.failures >= attemptsMax || !delivery.kept
    ) {
      const at = queue.indexOf(delivery);
      if (at >= 0) queue.splice(at, 1);
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

  /**
   * Sends what stands behind a delivery that waits, but not what is about the same alerts: these stay in order. Ends
   * with the first that fails too, which does not count for it: then it is the receiver that is not well.
   */
  async function overtake(setting: ChannelSetting, queue: Delivery[]): Promise<void> {
    const held = new Set<string>();
    const hold = ({ events }: Delivery) =>
      openEvents(events).forEach((event) => held.add(dedupKey(event)));
    for (const delivery of [...queue]) {
      const waits = delivery.dueAt > timers.nowMs() || delivery === queue[0];
      if (waits || openEvents(delivery.events).some((event) => held.has(dedupKey(event)))) {
        hold(delivery);
        continue;
      }
      const outcomes = await tryOnce(setting, delivery);
      if (stopped || !brought(outcomes)) return;
      // It may have been given up meanwhile, for want of room.
      if (!queue.includes(delivery)) continue;
      settle(queue, delivery, outcomes);
      hold(delivery);
    }
  }

  /** Works a channel's queue until it is empty or the first has to wait. */
  async function work(setting: ChannelSetting): Promise<void> {
    const queue = queues.get(setting.name) ?? [];
    for (let first = queue[0]; first && !stopped; first = queue[0]) {
      if (first.dueAt <= timers.nowMs()) {
        settle(queue, first, await tryOnce(setting, first));
        if (queue[0] !== first) continue;
      }
      const behind = queue.length;
      if (!first.busy) await overtake(setting, queue);
      // What came meanwhile may overtake as well.
      if (!first.busy && queue.length > behind && !stopped) continue;
      const waitMs = Math.max(0, first.dueAt - timers.nowMs());
      waiting.set(setting.name, timers.after(waitMs, () => start(setting)));
      return;
    }
  }

  function start(setting: ChannelSetting): void {
    if (stopped || working.has(setting.name)) return;
    waiting.get(setting.name)?.();
    waiting.delete(setting.name);
    const run = work(setting).finally(() => {
      working.delete(setting.name);
      const left = queues.get(setting.name)?.length ?? 0;
      if (left > 0 && !waiting.has(setting.name)) start(setting);
    });
    working.set(setting.name, run);
  }

  function put(setting: ChannelSetting, delivery: Delivery): void {
    const queue = queues.get(setting.name) ?? [];
    queue.push(delivery);
    // The first is under way; of those that wait the oldest tell least of now.
    if (queue.length > queueMax) {
      const [dropped] = queue.splice(1, 1);
      if (dropped?.kept) end(dropped, `more than ${queueMax} deliveries waited`);
    }
    if (!waiting.has(setting.name) || queue[0]?.busy === false) start(setting);
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
      else if (!queue?.some((one) => one.record.id === record.id)) put(setting, delivery);
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
    /** Tells Alertmanagers again of all that fires; such a repetition is neither kept nor tried twice. */
    repeat(notices: readonly Notice[]): void {
      const now = clock.now().getTime();
      for (const setting of settings.filter(({ type }) => type === "alertmanager")) {
        const wanted = notices.filter((notice) => wants(setting, notice));
        const due = Math.abs(now - (repeated.get(setting.name) ?? -Infinity)) >= repeatMs;
        if (!due || wanted.length === 0 || queues.get(setting.name)?.length) continue;
        repeated.set(setting.name, now);
        put(setting, { ...make(setting.name, wanted), kept: false });
      }
    },
    /** Takes up what an earlier process, or one that is gone, did not bring to its end. */
    adopt: async () => resume(await adoptDeliveries(store.db, owner)),
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
        waiting: queues.get(name)?.length ?? 0,
      })),
    async stop(): Promise<void> {
      stopped = true;
      for (const cancel of waiting.values()) cancel();
      waiting.clear();
      await Promise.all(working.values());
    },
  };
}

export type Deliveries = ReturnType<typeof createDeliveries>;
