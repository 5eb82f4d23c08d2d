import { codeOf } from "../../db/errors.ts";
import type { EventJournal, LiveEvent, StoredEvent } from "../../db/live/events.ts";
import { messageOf } from "../../errors.ts";
import type { Timers } from "../../lib/clock.ts";
import type { Logger } from "../../log.ts";
import {
  eventsKept,
  type Frame,
  type Hub,
  type MessageType,
  messageTypes,
  type Reach,
} from "./hub.ts";
import type { Outbox } from "./outbox.ts";

const batchMax = 100;
const readMax = 500;
/** Events in the journal; twice as many as one Holdfast keeps in memory. */
export const storedMax = 2 * eventsKept;

/** Types of which a new client needs the last event, also where it repeats what other clients have. */
const needed: ReadonlySet<MessageType> = new Set(["partition_status", "backup_status"]);

const cursorOf = ({ position, id }: Pick<StoredEvent, "position" | "id">) =>
  `${position}-${id.slice(0, 8)}`;
const isType = (type: string): type is MessageType =>
  (messageTypes as readonly string[]).includes(type);

/** Returns whether the server refused the event itself: class 22, data exceptions, or 23, violated constraints. */
const isRefusal = (error: unknown): boolean => /^2[23]/.test(codeOf(error));

/**
 * Stores the events of the outbox in the journal, and sends to the hub what it reads there. It keeps how far the journal was
 * read. Its methods throw where the database does not answer; calling them again goes on from the same position.
 */
export class JournalExchange {
  readonly #hub: Hub;
  readonly #journal: EventJournal;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #createdAt: number;
  #loaded = false;
  /** Stored in this cycle, and not read yet. */
  readonly #stored = new Set<string>();

  constructor(
    { hub, journal, outbox, timers, log }: {
      hub: Hub;
      journal: EventJournal;
      outbox: Outbox;
      timers: Timers;
      log: Logger;
    },
  ) {
    this.#hub = hub;
    this.#journal = journal;
    this.#outbox = outbox;
    this.#timers = timers;
    this.#log = log;
    this.#createdAt = timers.nowMs();
  }

  /** Sends an event to the hub. Ignores a type that only a later version of Holdfast knows. */
  send(event: LiveEvent, more: Pick<Frame, "cursor"> = {}, reach?: Reach): void {
    const { type, data, madeAt: ts, instance, id } = event;
    if (isType(type)) this.#hub.emit({ type, data, ts, instance, id, ...more }, reach);
  }

  /** Sends, without a position, the events that were published before `until` and are not sent yet. */
  sendOverdue(until: number): void {
    for (const event of this.#outbox.takeOverdue(until)) this.send(event);
  }

  /** Reads the newest events once. Those from before this start are kept for clients that resume, and are not sent. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const events = await this.#journal.newest(eventsKept);
    const upMs = this.#timers.nowMs() - this.#createdAt;
    const newAt = events.findIndex(({ ageMs }) => ageMs < upMs);
    this.#take(newAt < 0 ? events : events.slice(0, newAt), "resuming");
    if (newAt >= 0) this.#take(events.slice(newAt));
    this.#loaded = true;
  }

  /** Reads and sends what follows the last position. */
  async read(): Promise<void> {
    for (;;) {
      const { position, id } = this.#outbox.place;
      const events = await this.#journal.from(position, readMax);
      if (position > 0) {
        const [first] = events.splice(0, 1);
        if (first?.position !== position || first.id !== id) return await this.#findPlace();
      }
      this.#take(events);
      if (events.length < readMax - 1) return;
    }
  }

  /** Stores every event of the outbox. */
  async store(): Promise<void> {
    const stored = this.#stored;
    stored.clear();
    for (;;) {
      const events = this.#outbox.batch(batchMax + stored.size).filter(({ id }) => !stored.has(id));
      if (events.length === 0) return;
      try {
        await this.#storeBatch(events);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        await this.#storeOneByOne(events);
      }
    }
  }

  #take(events: readonly StoredEvent[], reach: Reach = "all"): void {
    for (const { event, wasSent } of this.#outbox.arrive(events)) {
      this.send(event, { cursor: cursorOf(event) }, wasSent ? "from elsewhere" : reach);
    }
  }

  /**
   * Finds where to go on when the last event read is gone, or when its position holds another event: the database was
   * restored, or this Holdfast was disconnected for too long.
   */
  async #findPlace(): Promise<void> {
    const events = await this.#journal.newest(storedMax);
    const known = events.findLastIndex((event) => this.#hub.after(cursorOf(event)) !== undefined);
    if (known < 0) {
      this.#log.warn("live_events_missed", { after: this.#outbox.place.position });
      this.#hub.lose();
    }
    const last = known < 0 ? undefined : events[known];
    this.#outbox.moveTo(last?.position ?? 0, last?.id ?? "");
    this.#take(events.slice(known + 1));
  }

  async #storeBatch(events: readonly LiveEvent[]): Promise<void> {
    const positions = await this.#journal.append(events);
    events.forEach(({ id }, at) => {
      if ((positions[at] ?? null) === null) this.#skip(id);
      else this.#stored.add(id);
    });
  }

  /** Drops an event that repeats what the journal has; sends it where clients of this Holdfast have none of its type. */
  #skip(id: string): void {
    const event = this.#outbox.forget(id);
    if (!event || !isType(event.type) || !needed.has(event.type)) return;
    if (!this.#hub.latest().some(({ type }) => type === event.type)) this.send(event);
  }

  /** Stores events one at a time, so that one that the database refuses does not hold up the others. */
  async #storeOneByOne(events: readonly LiveEvent[]): Promise<void> {
    for (const event of events) {
      try {
        await this.#storeBatch([event]);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#log.warn("live_event_refused", { type: event.type, error: messageOf(error) });
        const unsent = this.#outbox.forget(event.id);
        if (unsent) this.send(unsent);
      }
    }
  }
}
