import type { Target } from "../db/connection.ts";
import { leaseNotifications } from "../db/alerts/lease.ts";
import { createEventJournal, liveNotifications } from "../db/live/events.ts";
import { createPool, type PoolerMode } from "../db/pool/pool.ts";
import type { Logger } from "../log.ts";
import type { Clock } from "../lib/clock.ts";
import { createHub, type Hub } from "../services/live/hub.ts";
import { createRelay, type Relay } from "../services/live/relay.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";

/** The live channel: what goes to this Holdfast's clients, and the relay to those of others, with a session that listens. */
export function composeLive(
  { target, pooler, instance, access, onLeaseReleased, clock, log }: {
    target: Target;
    pooler: PoolerMode;
    instance: string;
    access: WriteAccess;
    /** Another Holdfast has given back its lease. */
    onLeaseReleased: () => void;
    clock: Clock;
    log: Logger;
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
  const hub = createHub({ clock, instance });
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
