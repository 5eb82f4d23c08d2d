import type { StateRecord } from "../../../db/alerts/alerts.ts";
import type { DeliveryRecord } from "../../../db/alerts/deliveries.ts";
import { type Alert, keyOf } from "../alert.ts";

/** Ended alerts, and ended deliveries, that wait to be saved; of more, the oldest are dropped. */
const unsavedMax = 1_000;

/** Drops the oldest entries beyond `unsavedMax` that are over. */
function bound<T>(entries: Map<string, T>, isOver: (entry: T) => boolean): void {
  for (const [key, entry] of entries) {
    if (entries.size <= unsavedMax) return;
    if (isOver(entry)) entries.delete(key);
  }
}

/** Removes the entries of `batch` that did not change since. */
function removeUnchanged<K, V>(from: Map<K, V>, batch: ReadonlyMap<K, V>): void {
  for (const [key, value] of batch) if (from.get(key) === value) from.delete(key);
}

/** What one flush saves. */
export interface UnsavedBatch {
  alerts: ReadonlyMap<string, Alert>;
  states: ReadonlyMap<string, StateRecord>;
  deliveries: ReadonlyMap<string, DeliveryRecord>;
}

/** The latest form of every alert, state and delivery that waits to be saved. */
export class Unsaved {
  readonly alerts = new Map<string, Alert>();
  readonly #states = new Map<string, StateRecord>();
  readonly deliveries = new Map<string, DeliveryRecord>();

  /** Adds an alert, or replaces it. */
  addAlert(alert: Alert): void {
    this.alerts.set(alert.id, alert);
    bound(this.alerts, ({ state }) => state === "resolved");
  }

  /** Adds states of rules, or replaces them. */
  addStates(changed: readonly StateRecord[]): void {
    for (const one of changed) {
      this.#states.set(`${one.instance}\n${keyOf(one.rule, one.scope)}`, one);
    }
  }

  /** Adds a delivery, or replaces it. */
  addDelivery(delivery: DeliveryRecord): void {
    this.deliveries.set(delivery.id, delivery);
    bound(this.deliveries, ({ state }) => state !== "queued");
  }

  /** Drops shared alerts and states, which another Holdfast judges now. */
  dropShared(): void {
    for (const [id, { instance }] of this.alerts) if (instance === "") this.alerts.delete(id);
    for (const [key, { instance }] of this.#states) if (instance === "") this.#states.delete(key);
  }

  /** Returns a copy of all; undefined where nothing waits. */
  batch(): UnsavedBatch | undefined {
    const batch = {
      alerts: new Map(this.alerts),
      states: new Map(this.#states),
      deliveries: new Map(this.deliveries),
    };
    return Object.values(batch).some(({ size }) => size > 0) ? batch : undefined;
  }

  /** Removes what was saved and did not change meanwhile. */
  remove({ alerts, states, deliveries }: UnsavedBatch): void {
    removeUnchanged(this.alerts, alerts);
    removeUnchanged(this.#states, states);
    removeUnchanged(this.deliveries, deliveries);
  }
}

/** Returns whether an entry comes after the end of the last page. Pure. */
export function isBefore(
  { started_at, id }: { started_at: string; id: string },
  before: { startedAt: Date; id: string } | undefined,
): boolean {
  if (!before) return true;
  const [at, end] = [Date.parse(started_at), before.startedAt.getTime()];
  return at < end || at === end && id < before.id;
}

/**
 * Returns a page, newest first, of stored and unsaved entries. An unsaved entry replaces the stored one with its id, also
 * where it no longer matches what was asked for. Pure.
 */
export function withUnsaved<T extends { id: string }>(
  stored: readonly T[],
  unsaved: ReadonlyMap<string, T>,
  { matches, madeAt, limit }: {
    matches: (entry: T) => boolean;
    madeAt: (entry: T) => string;
    limit: number;
  },
): T[] {
  return [...unsaved.values()].filter(matches)
    .concat(stored.filter(({ id }) => !unsaved.has(id)))
    .sort((a, b) => madeAt(b).localeCompare(madeAt(a)) || b.id.localeCompare(a.id))
    .slice(0, limit);
}
