import { randomUUID } from "node:crypto";
import type { EventJournal, LiveEvent } from "../../db/live/events.ts";
import { isAnswer } from "../../db/errors.ts";
import { messageOf } from "../../errors.ts";
import { resultWithin } from "../../lib/deadline.ts";
import { createRerun } from "../../lib/rerun.ts";
import type { Logger } from "../../log.ts";
import { type Clock, systemTimers, type Timers } from "../../lib/clock.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";
import type { Hub, MessageType, Publisher, Subject } from "./hub.ts";
import { JournalExchange, storedMax } from "./journal_exchange.ts";
import { Outbox } from "./outbox.ts";

export interface Relay extends Publisher {
  /** Loads the journal, and begins to store and to send. Never throws. */
  start(): Promise<void>;
  /** Starts a cycle: the journal may have new events. */
  wake(): void;
  /** Resolves once all events are sent that were in the journal at the call, or when the journal cannot be read. */
  catchUp(): Promise<void>;
  /** Stores the waiting events, for at most three seconds, and ends. */
  stop(): Promise<void>;
}

export interface RelayOptions {
  hub: Hub;
  journal: EventJournal;
  access: Pick<WriteAccess, "canWrite" | "isWatchOnly" | "state">;
  clock: Clock;
  log: Logger;
  timers?: Timers;
}

/** How long an event may wait for its position before it is sent here without one; milliseconds. */
const overdueMs = 1_000;
/** How often the journal is read though no notification came, and how often where none can come. */
const safetyMs = 5_000;
const pollMs = 1_000;
const listenAgainMs = 30_000;
const pruneMs = 60_000;
const stopMs = 3_000;
const waitingMax = 1_000;
/** A longer event goes to this Holdfast's own clients only. */
const charactersMax = 256 * 1024;

/** Types that describe one Holdfast's own view: they go to its own clients only. */
const ownTypes: ReadonlySet<MessageType> = new Set(["database_performance"]);

/** When the relay stores, reads, listens and prunes. What it stores and sends is in `JournalExchange`. */
class JournalRelay implements Relay {
  readonly #hub: Hub;
  readonly #journal: EventJournal;
  readonly #access: RelayOptions["access"];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #timers: Timers;
  readonly #outbox = new Outbox(waitingMax);
  readonly #exchange: JournalExchange;
  readonly #run: () => Promise<void>;
  #phase: "new" | "running" | "stopped" = "new";
  /** Whether the last cycle reached the journal. */
  #reached = true;
  #listening = false;
  #listenAt = -Infinity;
  #prunedAt: number;
  #cancelPoll = () => {};
  #cancelOverdue: (() => void) | undefined;

  constructor({ hub, journal, access, clock, log, timers = systemTimers }: RelayOptions) {
    this.#hub = hub;
    this.#journal = journal;
    this.#access = access;
    this.#clock = clock;
    this.#log = log;
    this.#timers = timers;
    this.#exchange = new JournalExchange({ hub, journal, outbox: this.#outbox, timers, log });
    this.#prunedAt = timers.nowMs();
    this.#run = createRerun(() => this.#cycle().finally(() => this.#schedule()));
  }

  publish(type: MessageType, data: unknown, subject?: Subject): void {
    const text = JSON.stringify(data) ?? "null";
    const event: LiveEvent = {
      id: randomUUID(),
      type,
      instance: this.#hub.instance,
      topic: subject?.topic ?? null,
      digest: subject?.digest ?? null,
      data: text,
      madeAt: this.#clock.now().toISOString(),
    };
    if (ownTypes.has(type) || text.length > charactersMax || this.#phase === "stopped") {
      return this.#exchange.send(event);
    }
    this.#outbox.add(event, this.#timers.nowMs());
    const mustWait = this.#phase === "running" && this.#reached && this.#access.canWrite() &&
      !this.#outbox.isFull;
    if (!mustWait) this.#exchange.sendOverdue(this.#timers.nowMs());
    this.wake();
    this.#watchOverdue();
  }

  async start(): Promise<void> {
    if (this.#phase !== "new") return;
    this.#phase = "running";
    await this.#run();
  }

  wake(): void {
    if (this.#phase === "running") void this.#run();
  }

  async catchUp(): Promise<void> {
    if (this.#phase === "running") await this.#run();
  }

  async stop(): Promise<void> {
    if (this.#phase !== "running") return void (this.#phase = "stopped");
    if (this.#reached) await resultWithin(this.#run(), stopMs, this.#timers.after);
    this.#phase = "stopped";
    this.#cancelPoll();
    this.#cancelOverdue?.();
  }

  /** Sends what has waited too long, also while a cycle hangs. */
  #watchOverdue(): void {
    const since = this.#outbox.unsentSince;
    if (this.#cancelOverdue || since === undefined) return;
    const waitMs = Math.max(0, since + overdueMs - this.#timers.nowMs());
    this.#cancelOverdue = this.#timers.after(waitMs, () => {
      this.#cancelOverdue = undefined;
      this.#exchange.sendOverdue(this.#timers.nowMs() - overdueMs);
      this.#watchOverdue();
    });
  }

  #schedule(): void {
    this.#cancelPoll();
    if (this.#phase !== "running") return;
    const waitMs = this.#listening && this.#reached ? safetyMs : pollMs;
    this.#cancelPoll = this.#timers.after(waitMs, () => this.wake());
  }

  async #cycle(): Promise<void> {
    if (this.#access.state().schema) await this.#useJournal();
    else this.#reached = false;
    if (!this.#reached || !this.#access.canWrite()) {
      this.#exchange.sendOverdue(this.#timers.nowMs());
    }
    // A standby stores nothing: its primary's Holdfast does.
    if (this.#access.isWatchOnly()) {
      for (const { id } of this.#outbox.batch(waitingMax)) this.#outbox.forget(id);
    }
  }

  async #useJournal(): Promise<void> {
    try {
      await this.#listen(); // first: later events come with a notification, earlier ones are read below
      await this.#exchange.load();
      if (this.#access.canWrite()) await this.#exchange.store();
      await this.#exchange.read();
      const dropped = this.#outbox.takeDropped();
      if (dropped > 0) this.#log.warn("live_events_dropped", { dropped });
      if (!this.#reached) this.#log.info("live_events_relayed_again");
      this.#reached = true;
      await this.#prune();
    } catch (error) {
      if (this.#reached) this.#log.warn("live_events_not_relayed", { error: messageOf(error) });
      this.#reached = false;
    }
  }

  /** Sends LISTEN. Where the server or a pooler refuses it, waits a while before the next attempt. */
  async #listen(): Promise<void> {
    const was = this.#listening;
    this.#listening = false;
    if (this.#access.isWatchOnly() || (!was && this.#timers.nowMs() < this.#listenAt)) return;
    try {
      this.#listening = await this.#journal.listen();
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#log.debug("live_events_not_listened_for", { error: messageOf(error) });
    }
    if (!this.#listening) this.#listenAt = this.#timers.nowMs() + listenAgainMs;
  }

  async #prune(): Promise<void> {
    const now = this.#timers.nowMs();
    if (!this.#access.canWrite() || now - this.#prunedAt < pruneMs) return;
    this.#prunedAt = now;
    await this.#journal.prune(storedMax);
  }
}

/**
 * Makes the relay, which sends the events of every Holdfast on one database to the clients of all, in one order and once.
 * It stores an event first and sends it when it reads it. Where the database takes longer than a second, it sends the event
 * here at once, and stores it when that is possible.
 */
export function createRelay(options: RelayOptions): Relay {
  const relay = new JournalRelay(options);
  return {
    publish: (type, data, subject) => relay.publish(type, data, subject),
    start: () => relay.start(),
    wake: () => relay.wake(),
    catchUp: () => relay.catchUp(),
    stop: () => relay.stop(),
  };
}
