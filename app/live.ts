import { leaseNotifications } from "../db/alerts/lease.ts";
import { createEventJournal, liveNotifications } from "../db/live/events.ts";
import { createPool } from "../db/pool/pool.ts";
import { createHub, furtherCharactersMax, type Hub } from "../services/live/hub.ts";
import { createRelay, type Relay } from "../services/live/relay.ts";
import type { Foundation } from "./foundation.ts";

/** Makes the hub of this Holdfast's live clients, and the relay that shares events with other Holdfasts by `NOTIFY`. */
export function composeLive(
  { config, isFurther, target, pooler, access, clock, log }: Foundation,
  { instance, onLeaseReleased }: {
    instance: string;
    /** Called when another Holdfast has released its lease. */
    onLeaseReleased: () => void;
  },
): { hub: Hub; relay: Relay } {
  const pool = createPool({
    target,
    pooler,
    max: 1,
    waitingMax: 100,
    applicationName: "holdfast-live",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 2_000,
    onNotify: (channel) => {
      if (channel === liveNotifications) relay.wake();
      if (channel === leaseNotifications) onLeaseReleased();
    },
  });
  // A session keeps the read-only default that it began with.
  access.onChange((after, before) => {
    if (after.mode === "writing" && before.mode === "read_only") pool.renew();
  });
  const hub = createHub({
    clock,
    instance,
    database: config.databaseName,
    ...(isFurther ? { charactersMax: furtherCharactersMax } : {}),
  });
  const relay = createRelay({ hub, journal: createEventJournal(pool, pooler), access, clock, log });
  return {
    hub,
    relay: {
      ...relay,
      async stop() {
        await relay.stop();
        await pool.end();
      },
    },
  };
}
