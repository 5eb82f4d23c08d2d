import type { LiveEvent, StoredEvent } from "../../db/live/events.ts";

/** An event that was read from the journal. */
export interface Arrival {
  event: StoredEvent;
  /** Whether it was sent here before it had its position. */
  wasSent: boolean;
}

interface Waiting {
  event: LiveEvent;
  since: number;
  sent: boolean;
}

/**
 * Keeps the events published here until the journal has them, and the position up to which all were sent. An event is sent
 * when it is read from the journal; where that takes too long, it is sent at once, and then not again. Does no I/O; times are
 * monotonic milliseconds.
 */
export class Outbox {
  readonly #max: number;
  readonly #waiting = new Map<string, Waiting>();
  /** Position and id of the last event read; position 0 is before all. */
  #place: { position: number; id: string } = { position: 0, id: "" };
  #dropped = 0;
  /** Ids of the events dropped last: one that was being stored then is still read later, and was sent already. */
  readonly #droppedIds = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Keeps an event. Beyond the maximum it drops one that was sent here, the oldest that is no alert or else the oldest: clients
   * of other Holdfasts will not get it.
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

  /** Whether more events wait than allowed: those not sent yet must be sent, so that some can be dropped. */
  get isFull(): boolean {
    return this.#waiting.size > this.#max;
  }

  /** Returns how many were dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Returns the events added before `until` that were not sent yet, and counts them as sent. */
  takeOverdue(until: number): LiveEvent[] {
    const overdue = [...this.#waiting.values()].filter(({ since, sent }) =>
      !sent && since <= until
    );
    for (const one of overdue) one.sent = true;
    return overdue.map(({ event }) => event);
  }

  /** Returns the oldest waiting events, to be stored together. */
  batch(max: number): LiveEvent[] {
    return [...this.#waiting.values()].slice(0, max).map(({ event }) => event);
  }

  /** Removes an event that will not be stored. Returns it where it was not sent yet. */
  forget(id: string): LiveEvent | undefined {
    const one = this.#waiting.get(id);
    this.#waiting.delete(id);
    return one && !one.sent ? one.event : undefined;
  }

  /** Takes events that were read in order after the present position, which moves to the last of them. */
  arrive(events: readonly StoredEvent[]): Arrival[] {
    return events.map((event) => {
      const mine = this.#waiting.get(event.id);
      this.#waiting.delete(event.id);
      this.#place = { position: event.position, id: event.id };
      return { event, wasSent: mine?.sent ?? this.#droppedIds.delete(event.id) };
    });
  }

  /** Continues from another position; the event there was sent. */
  moveTo(position: number, id: string): void {
    this.#place = { position, id };
  }

  get place(): { position: number; id: string } {
    return this.#place;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Returns when the oldest event was added that was not sent yet; undefined where all were sent. */
  get unsentSince(): number | undefined {
    return [...this.#waiting.values()].find(({ sent }) => !sent)?.since;
  }
}
