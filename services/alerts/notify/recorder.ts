import type { DeliveryRecord } from "../../../db/alerts/deliveries.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import type { AlertStore } from "../storage/store.ts";
import { closeEvents, type Delivery, endOf, errorOf } from "./delivery_events.ts";

export interface DeliveryRecorder {
  /** Saves a new delivery. */
  save(delivery: Delivery): void;
  /** Changes the record of a delivery, and saves it. */
  update(delivery: Delivery, changes: Partial<DeliveryRecord>): void;
  /** Ends a delivery. Events that did not reach the channel get `error`, unless they have an error of their own. */
  end(delivery: Delivery, error: string): void;
}

/** Creates what writes deliveries to the store and logs how they ended. Repetitions are not saved. */
export function createDeliveryRecorder(
  { store, clock, log }: {
    store: Pick<AlertStore, "saveDelivery">;
    clock: Clock;
    log: Logger;
  },
): DeliveryRecorder {
  function save(delivery: Delivery): void {
    if (delivery.kept) store.saveDelivery({ ...delivery.record });
  }

  function update(delivery: Delivery, changes: Partial<DeliveryRecord>): void {
    delivery.record = { ...delivery.record, ...changes, notices: delivery.events };
    save(delivery);
  }

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
    const about = { channel, delivery: id, attempts };
    if (failed === null) log.debug("alert_delivered", about);
    else log.error("alert_not_delivered", { ...about, error: failed, summary });
  }

  return { save, update, end };
}
