import type { LiveEvent, StoredEvent } from "../../db/live/events.ts";

/** What is to be done with an event that was read from the journal. */
export interface Arrival {
  event: StoredEvent;
  /** It went out here before it had its place. */
  wasSent: boolean;
}

interface Waiting {
  event: LiveEvent;
  since: number;
  sent: boolean;
}

/**
 * Keeps the events made here until they have their place in the journal, and knows the place up to which all was sent.
 * An event goes out when it is read from the journal; where that takes too long, at once, and then not again. Pure but
 * for its own state; times are milliseconds that only grow.
 */
export class Outbox {
  readonly #max: number;
  readonly #waiting = new Map<string, Waiting>();
  /** Position and id of the last event read; position 0 stands before all. */
  #place: { position: number; id: string } = { position: 0, id: "" };
  #dropped = 0;
  /** Ids of those dropped last: one that was being stored then comes back, and has gone out. */
  readonly #droppedIds = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Keeps an event. Beyond the maximum, of those that have gone out here the oldest that is no alert is dropped, or the
   * oldest of all: others will not see it.
   */
  add(event: LiveEvent, since: number): void {
    this.#waiting.set(event.id, { event, since, sent: false });
    if (this.#waiting.size <= this.#max) return;
    const all = [...this.#waiting.values()].filter(({ sent }) => sent);
    const victim = all.find(({ event: { type } }) => type !== "performance_alert") ?? all[0];
    if (!victim) return;
    const { id } = victim.event;
    this.#waiting.delete(id);
    this.#dropped++;
    this.#droppedIds.add(id);
    const [oldest] = this.#droppedIds;
    if (this.#droppedIds.size > this.#max && oldest !== undefined) this.#droppedIds.delete(oldest);
  }

  /** Whether more wait than may: those that have not gone out must, so that some can be dropped. */
  get isFull(): boolean {
    return this.#waiting.size > this.#max;
  }

  /** How many were dropped since this was last asked. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** The events that wait for their place and were made before `until`, none of which has gone out; now they have. */
  takeOverdue(until: number): LiveEvent[] {
    const overdue = [...this.#waiting.values()].filter(({ since, sent }) =>
      !sent && since <= until
    );
    for (const one of overdue) one.sent = true;
    return overdue.map(({ event }) => event);
  }

  /** The oldest events that wait, to be stored together. */
  batch(max: number): LiveEvent[] {
    return [...this.#waiting.values()].slice(0, max).map(({ event }) => event);
  }

  /** An event will not be stored. Answers it where it has not gone out. */
  forget(id: string): LiveEvent | undefined {
    const one = this.#waiting.get(id);
    this.#waiting.delete(id);
    return one && !one.sent ? one.event : undefined;
  }

  /** Takes up events read in order from the present place on, that place itself not among them. */
  arrive(events: readonly StoredEvent[]): Arrival[] {
    return events.map((event) => {
      const mine = this.#waiting.get(event.id);
      this.#waiting.delete(event.id);
      this.#place = { position: event.position, id: event.id };
      return { event, wasSent: mine?.sent ?? this.#droppedIds.delete(event.id) };
    });
  }

  /** Goes on from another place; what is at `position` has been sent. */
  moveTo(position: number, id: string): void {
    this.#place = { position, id };
  }

  get place(): { position: number; id: string } {
    return this.#place;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** When the oldest event came that has not gone out; undefined when all have. */
  get unsentSince(): number | undefined {
    return [...this.#waiting.values()].find(({ sent }) => !sent)?.since;
  }
}
