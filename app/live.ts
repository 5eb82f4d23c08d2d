import { leaseNotifications } from "../db/alerts/lease.ts";
import { createEventJournal, liveNotifications } from "../db/live/events.ts";
import { createPool, type Pool } from "../db/pool/pool.ts";
import { createHub, type Hub } from "../services/live/hub.ts";
import { createRelay, type Relay } from "../services/live/relay.ts";
import type { Foundation } from "./foundation.ts";

type OnNotify = (channel: string) => void;

/** Opens the pool whose session listens. A further database of the process listens on that of its records. */
function listeningPool(
  { pools, notifications, target, pooler, access }: Foundation,
  onNotify: OnNotify,
): { pool: Pool; end(): Promise<void> } {
  if (notifications) {
    notifications.subscribe(onNotify);
    return { pool: pools.records, end: () => Promise.resolve() };
  }
  const pool = createPool({
    target,
    pooler,
    max: 1,
    waitingMax: 100,
    applicationName: "holdfast-live",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 2_000,
    onNotify,
  });
  // A session keeps the read-only default that it began with.
  access.onChange((after, before) => {
    if (after.mode === "writing" && before.mode === "read_only") pool.renew();
  });
  return { pool, end: () => pool.end() };
}

/** Makes the hub of this Holdfast's live clients, and the relay that shares events with other Holdfasts by `NOTIFY`. */
export function composeLive(
  foundation: Foundation,
  { instance, onLeaseReleased }: {
    instance: string;
    /** Called when another Holdfast has released its lease. */
    onLeaseReleased: () => void;
  },
): { hub: Hub; relay: Relay } {
  const { config, pooler, access, clock, log } = foundation;
  const { pool, end } = listeningPool(foundation, (channel) => {
    if (channel === liveNotifications) relay.wake();
    if (channel === leaseNotifications) onLeaseReleased();
  });
  const hub = createHub({ clock, instance, database: config.databaseName });
  const relay = createRelay({ hub, journal: createEventJournal(pool, pooler), access, clock, log });
  return {
    hub,
    relay: {
      ...relay,
      async stop() {
        await relay.stop();
        await end();
      },
    },
  };
}
