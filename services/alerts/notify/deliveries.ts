import type { ChannelSetting } from "../../../config/channels.ts";
import {
  adoptDeliveries,
  type DeliveryRecord,
  findDelivery,
  requeueDelivery,
} from "../../../db/alerts/deliveries.ts";
import { HoldfastError } from "../../../errors.ts";
import { type Clock, systemTimers, type Timers } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import type { AlertStore } from "../storage/store.ts";
import { ChannelWorker, queueMax, tooMany } from "./channel_worker.ts";
import { type Sender, wants } from "./channels/channel.ts";
import { type Fetch, longestAfterMs } from "./channels/post.ts";
import {
  backoffMs,
  closeEvents,
  type Delivery,
  errorOf,
  eventsOf,
  newDelivery,
  openEvents,
  reopenEvents,
  untried,
  withOutcomes,
  withoutOutdated,
} from "./delivery_events.ts";
import { createDeliveryRecorder } from "./recorder.ts";
import type { Notice } from "./due.ts";

export type Deliveries = ReturnType<typeof createDeliveries>;

export interface DeliveriesOptions {
  settings: readonly ChannelSetting[];
  /** Name of this Holdfast. */
  owner: string;
  sender: Sender;
  store: Pick<
    AlertStore,
    "saveDelivery" | "deliveries" | "notifiedAt" | "isDeliveryUnsaved" | "db"
  >;
  clock: Clock;
  timers?: Timers;
  log: Logger;
  fetch?: Fetch;
}

/**
 * Returns a delivery read from the database at `now`, when performance.now was `nowMs`. One that was queued again, and not
 * tried since, is open anew. It is due at once, unless its receiver asked for a wait longer than the backoff: then after the
 * rest of that, an hour at most, for the clock may have been set back. Pure.
 */
export function readDelivery(
  record: DeliveryRecord,
  { now, nowMs }: { now: Date; nowMs: number },
): Delivery {
  const kept = eventsOf(record.notices as Notice[], "queued");
  const events = openEvents(kept).length > 0 ? kept : reopenEvents(kept);
  const next = record.next_attempt_at;
  const waitMs = next === null ? 0 : Date.parse(next) - now.getTime();
  const isAsked = waitMs > backoffMs(Math.max(1, record.attempts));
  const dueAt = isAsked ? nowMs + Math.min(waitMs, longestAfterMs) : untried.dueAt;
  return { ...untried, record, events, failures: record.attempts, dueAt };
}

/** Creates the deliveries of notices to channels; one worker sends for each channel. */
export function createDeliveries(
  { settings, owner, sender, store, clock, timers = systemTimers, log, fetch = globalThis.fetch }:
    DeliveriesOptions,
) {
  const recorder = createDeliveryRecorder({ store, clock, log });
  const workers = new Map(settings.map((setting) => [
    setting.name,
    new ChannelWorker({ setting, sender, recorder, clock, timers, log, fetch }),
  ]));

  const make = (channel: string, notices: readonly Notice[]): Delivery =>
    newDelivery(notices, { channel, owner, at: clock.now().toISOString() });

  const read = (record: DeliveryRecord): Delivery =>
    readDelivery(record, { now: clock.now(), nowMs: timers.nowMs() });

  function resume(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const { id, channel } = delivery.record;
      const worker = workers.get(channel);
      // This process has it already: it waits, or has just ended.
      if (worker?.has(id) || store.isDeliveryUnsaved(id)) continue;
      if (!worker) recorder.end(delivery, "no channel has this name any more");
      else if (openEvents(delivery.events).length === 0) recorder.end(delivery, "not sent");
      else worker.add(delivery);
    }
  }

  async function adopt(own: boolean): Promise<void> {
    const options = { own, max: queueMax, tooMany };
    const { adopted, dropped } = await adoptDeliveries(store.db, owner, options);
    if (dropped > 0) log.error("alert_deliveries_dropped", { dropped, error: tooMany });
    const deliveries = adopted.map(read);
    const ids = deliveries.flatMap(({ events }) => events.map(({ alert }) => alert.id));
    const latest = await store.notifiedAt([...new Set(ids)]);
    resume(withoutOutdated(deliveries, latest));
  }

  return {
    /** Sends the notices of one cycle: one delivery for each channel that wants any of them. */
    send(notices: readonly Notice[]): void {
      for (const [name, worker] of workers) {
        const wanted = notices.filter((notice) => wants(worker.setting, notice));
        if (wanted.length === 0) continue;
        const delivery = make(name, wanted);
        recorder.save(delivery);
        worker.add(delivery);
      }
    },
    /** Repeats firing alerts to Alertmanagers. A repetition is neither saved nor tried twice. */
    repeat(notices: readonly Notice[]): void {
      for (const [name, worker] of workers) {
        const wanted = worker.takeRepeats(notices);
        if (wanted.length > 0) worker.add({ ...make(name, wanted), kept: false });
      }
    },
    /** Adopts the unfinished deliveries of an earlier process of this name, and of Holdfasts that are gone. */
    adopt: () => adopt(true),
    /** Adopts the unfinished deliveries of Holdfasts that are gone. */
    adoptAbandoned: () => adopt(false),
    /** Tries a sample once, at once and outside the queue; it is not saved. Throws `not_found`. */
    async test(name: string, notices: readonly Notice[]) {
      const worker = workers.get(name);
      if (!worker) throw new HoldfastError("not_found", `No channel is named ${name}`);
      const started = performance.now();
      const sample = make(name, notices);
      const events = withOutcomes(sample.events, await worker.tryOnce(sample));
      const error = errorOf(closeEvents(events, "not sent"));
      return {
        channel: name,
        delivered: error === null,
        error,
        duration_ms: Math.round(performance.now() - started),
      };
    },
    /** Returns a page of deliveries, newest first. */
    list: (query: Parameters<AlertStore["deliveries"]>[0]) => store.deliveries(query),
    /** Returns one delivery. Throws `not_found`. */
    async get(id: string): Promise<DeliveryRecord> {
      const record = await findDelivery(store.db, id);
      if (!record) throw new HoldfastError("not_found", `No delivery has the id ${id}`);
      return record;
    },
    /** Queues a delivery again that failed permanently. Throws `not_found`. */
    async retry(id: string): Promise<DeliveryRecord> {
      const record = await requeueDelivery(store.db, { id, owner, at: clock.now() });
      if (!record) throw new HoldfastError("not_found", `No failed delivery has the id ${id}`);
      const again = { ...record, notices: reopenEvents(record.notices as Notice[]) };
      resume([read(again)]);
      return again;
    },
    /** Returns the channels without their secrets: of an address only the host. */
    channels: () =>
      [...workers.values()].map(({ setting, waiting }) => ({
        name: setting.name,
        type: setting.type,
        host: setting.url ? new URL(setting.url).host : "events.pagerduty.com",
        min_severity: setting.min_severity,
        rules: setting.rules ?? null,
        waiting,
      })),
    /** Stops sending and waits for the requests under way. */
    stop: async () => {
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
    },
  };
}
