import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "../config/config.ts";
import type { RecordsDb } from "../db/records/records.ts";
import type { Logger } from "../log.ts";
import { type Alerts, createAlerts } from "../services/alerts/service.ts";
import {
  type Canary,
  createCanary,
  type WritePreparation,
} from "../services/alerts/evaluation/canary.ts";
import type { Sender } from "../services/alerts/notify/channels/channel.ts";
import { createDeliveries } from "../services/alerts/notify/deliveries.ts";
import { createLease, type Lease } from "../services/alerts/storage/lease.ts";
import { createLeaseKeeper, type LeaseKeeper } from "../services/alerts/storage/lease_keeper.ts";
import { buildRules, checkChannelRules } from "../services/alerts/rules/overrides.ts";
import { createSilences } from "../services/alerts/notify/silences.ts";
import type { ReadingSource } from "../services/alerts/evaluation/sources.ts";
import { createAlertStore } from "../services/alerts/storage/store.ts";
import type { Clock } from "../lib/clock.ts";
import type { Publisher } from "../services/live/hub.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";

/** Returns the name of this Holdfast among those on one database. With port 0 it is random, because ports repeat. */
export function instanceName(config: Config): string {
  return config.HOLDFAST_INSTANCE ??
    `${hostname()}:${config.PORT === 0 ? randomUUID().slice(0, 8) : config.PORT}`;
}

/**
 * Returns the address at which people reach this Holdfast, for links. Where none is set, and it listens on all addresses,
 * the machine's name stands for them.
 */
export function publicUrl({ HOLDFAST_PUBLIC_URL, HOST, PORT }: Config): string {
  if (HOLDFAST_PUBLIC_URL !== undefined) return HOLDFAST_PUBLIC_URL;
  const host = ["0.0.0.0", "::"].includes(HOST) ? hostname() : HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${PORT}/`;
}

/** Returns how notifications name their origin: with the database where the process has several. */
const senderOf = (config: Config, instance: string): Sender => ({
  instance,
  url: publicUrl(config),
  database: config.isOneOfSeveral ? config.databaseName : undefined,
});

/** Creates the alerts and what they need; the canary is one of their sources. */
export function composeAlerts(
  { config, instance, db, access, preparation, isDiskFull, sources, hub, clock, log }: {
    config: Config;
    instance: string;
    db: RecordsDb;
    access: WriteAccess;
    preparation: WritePreparation;
    isDiskFull: () => boolean;
    sources: readonly ReadingSource[];
    hub: Publisher;
    clock: Clock;
    log: Logger;
  },
): { alerts: Alerts; canary: Canary; lease: Lease; leaseKeeper: LeaseKeeper } {
  checkChannelRules(config.HOLDFAST_CHANNELS);
  const store = createAlertStore({ db, access, log });
  const everySeconds = config.HOLDFAST_FAST_TIER_SECONDS;
  const canary = createCanary({
    db,
    name: instance,
    everyMs: everySeconds * 1000,
    access,
    preparation,
    isDiskFull,
    clock,
    log,
  });
  const lease = createLease({ db, name: instance, access });
  const alerts = createAlerts({
    rules: buildRules(config.HOLDFAST_PROFILE, config.alertOverrides),
    store,
    access,
    lease,
    silences: createSilences({ db, access, clock, log }),
    deliveries: createDeliveries({
      settings: config.HOLDFAST_CHANNELS,
      owner: instance,
      sender: senderOf(config, instance),
      store,
      clock,
      log,
    }),
    sources: [canary, ...sources],
    remindMs: config.HOLDFAST_ALERTS_REMIND_SECONDS * 1000,
    flapFirings: config.HOLDFAST_ALERTS_FLAP_FIRINGS,
    hub,
    clock,
    log,
  });
  const leaseKeeper = createLeaseKeeper({
    lease,
    access,
    takeOver: alerts.load,
    adopt: alerts.deliveries.adoptAbandoned,
    log,
  });
  return { alerts, canary, lease, leaseKeeper };
}
