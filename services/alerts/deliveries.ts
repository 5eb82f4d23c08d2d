import { randomUUID } from "node:crypto";
import { adoptDeliveries, requeueDelivery } from "../../db/alert_watch.ts";
import type { DeliveryRecord } from "../../db/alerts.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { ChannelSetting } from "../../settings/channels.ts";
import type { Clock } from "../clock.ts";
import { lineOf, type Sender, wants } from "./channels/channel.ts";
import { type Fetch, type Outcome, post } from "./channels/post.ts";
import type { Notice } from "./notices.ts";
import type { AlertStore } from "./store.ts";

/** A delivery under way: its record, which is kept, unless it is a mere repetition. */
interface Delivery {
  record: DeliveryRecord;
  notices: readonly Notice[];
  kept: boolean;
}

const queueMax = 1_000;
const attemptsMax = 12;
const longestWaitMs = 300_000;
/** Alertmanager forgets what it is not told again (its clients do so every one to three minutes). */
const repeatMs = 60_000;

/** Waits 1 s after the first failure, then twice as long each time, up to 5 min; a receiver may ask for more. Pure. */
export const backoffMs = (attempts: number, afterMs = 0): number =>
  Math.max(afterMs, Math.min(longestWaitMs, 1_000 * 2 ** (attempts - 1)));

/** Brings notices to channels: in order per channel, tried again with backoff, given up (and kept) at last. */
export function createDeliveries(
  { settings, owner, sender, store, clock, log, fetch = globalThis.fetch, onChange = () => {} }: {
    settings: readonly ChannelSetting[];
    /** Name of this Holdfast. */
    owner: string;
    sender: Sender;
    store: Pick<AlertStore, "saveDelivery" | "deliveries" | "db">;
    clock: Clock;
    log: Logger;
    fetch?: Fetch;
    /** Something waits to be written. */
    onChange?: () => void;
  },
) {
  const queues = new Map(settings.map(({ name }) => [name, [] as Delivery[]]));
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const working = new Map<string, Promise<void>>();
  const repeated = new Map<string, number>();
  let stopped = false;

  function keep(delivery: Delivery): void {
    if (!delivery.kept) return;
    store.saveDelivery({ ...delivery.record });
    onChange();
  }

  function end(delivery: Delivery, state: "delivered" | "dead", error: string | null): void {
    delivery.record = {
      ...delivery.record,
      state,
      error,
      next_attempt_at: null,
      ended_at: clock.now().toISOString(),
    };
    keep(delivery);
    const { id, channel, attempts, summary } = delivery.record;
    if (state === "delivered") log.debug("alert_delivered", { channel, delivery: id, attempts });
    else log.error("alert_not_delivered", { channel, delivery: id, attempts, error, summary });
  }

  async function tryOnce(setting: ChannelSetting, delivery: Delivery): Promise<Outcome> {
    const { id } = delivery.record;
    return await post(setting, { id, notices: delivery.notices, now: clock.now() }, {
      sender,
      fetch,
    });
  }

  /** Works a channel's queue until it is empty or the first has to wait. */
  async function work(setting: ChannelSetting): Promise<void> {
    const queue = queues.get(setting.name) ?? [];
    for (let first = queue[0]; first && !stopped; first = queue[0]) {
      const outcome = await tryOnce(setting, first);
      first.record = { ...first.record, attempts: first.record.attempts + 1 };
      const { attempts } = first.record;
      const over = outcome.ok || !outcome.again || attempts >= attemptsMax || !first.kept;
      if (over) {
        const at = queue.indexOf(first);
        if (at >= 0) queue.splice(at, 1);
        if (first.kept) {
          end(first, outcome.ok ? "delivered" : "dead", outcome.ok ? null : outcome.error);
        }
        continue;
      }
      const waitMs = backoffMs(attempts, outcome.afterMs);
      first.record = {
        ...first.record,
        error: outcome.error,
        next_attempt_at: new Date(clock.now().getTime() + waitMs).toISOString(),
      };
      keep(first);
      log.warn("alert_delivery_waits", {
        channel: setting.name,
        attempts,
        error: outcome.error,
        wait_ms: waitMs,
      });
      timers.set(setting.name, setTimeout(() => start(setting), waitMs));
      return;
    }
  }

  function start(setting: ChannelSetting): void {
    if (stopped || working.has(setting.name)) return;
    clearTimeout(timers.get(setting.name));
    timers.delete(setting.name);
    const run = work(setting).finally(() => {
      working.delete(setting.name);
      const waiting = queues.get(setting.name)?.length ?? 0;
      if (waiting > 0 && !timers.has(setting.name)) start(setting);
    });
    working.set(setting.name, run);
  }

  function put(setting: ChannelSetting, delivery: Delivery): void {
    const queue = queues.get(setting.name) ?? [];
    queue.push(delivery);
    // The first is under way; of those that wait the oldest tell least of now.
    if (queue.length > queueMax) {
      const [dropped] = queue.splice(1, 1);
      if (dropped?.kept) end(dropped, "dead", `more than ${queueMax} deliveries waited`);
    }
    if (!timers.has(setting.name)) start(setting);
  }

  function make(channel: string, notices: readonly Notice[]): Delivery {
    const at = clock.now().toISOString();
    const record: DeliveryRecord = {
      id: randomUUID(),
      channel,
      owner,
      state: "queued",
      summary: notices.map(lineOf).join("\n").slice(0, 2_000),
      notices,
      attempts: 0,
      created_at: at,
      next_attempt_at: at,
      ended_at: null,
      error: null,
    };
    return { record, notices, kept: true };
  }

  function settingOf(name: string): ChannelSetting {
    const setting = settings.find((one) => one.name === name);
    if (!setting) throw new HoldfastError("not_found", `No channel is named ${name}`);
    return setting;
  }

  function resume(records: readonly DeliveryRecord[]): void {
    for (const record of records) {
      const notices = record.notices as Notice[];
      const delivery: Delivery = { record, notices, kept: true };
      const setting = settings.find(({ name }) => name === record.channel);
      const queue = queues.get(record.channel);
      if (!setting) end(delivery, "dead", "no channel has this name any more");
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
      const outcome = await tryOnce(setting, make(name, notices));
      return {
        channel: name,
        delivered: outcome.ok,
        error: outcome.ok ? null : outcome.error,
        duration_ms: Math.round(performance.now() - started),
      };
    },
    list: (query: Parameters<AlertStore["deliveries"]>[0]) => store.deliveries(query),
    async retry(id: string): Promise<DeliveryRecord> {
      const record = await requeueDelivery(store.db, { id, owner, at: clock.now() });
      if (!record) throw new HoldfastError("not_found", `No delivery given up has the id ${id}`);
      resume([record]);
      return record;
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
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.all(working.values());
    },
  };
}

export type Deliveries = ReturnType<typeof createDeliveries>;
