import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "../config.ts";
import type { RecordsDb } from "../db/records.ts";
import type { Logger } from "../log.ts";
import { type Alerts, createAlerts } from "../services/alerts/alerts.ts";
import { createCanary } from "../services/alerts/canary.ts";
import { createDeliveries } from "../services/alerts/deliveries.ts";
import { createLease } from "../services/alerts/lease.ts";
import { buildRules } from "../services/alerts/rules.ts";
import { createSilences } from "../services/alerts/silences.ts";
import type { ReadingSource } from "../services/alerts/sources.ts";
import { createAlertStore } from "../services/alerts/store.ts";
import type { Clock } from "../services/clock.ts";
import type { Publisher } from "../services/hub.ts";

/** The name under which this Holdfast shares a database with others; a port of 0 may be anybody's. */
export function instanceName(config: Config): string {
  return config.HOLDFAST_INSTANCE ??
    `${hostname()}:${config.PORT === 0 ? randomUUID().slice(0, 8) : config.PORT}`;
}

/** The alerts with all that belongs to them. */
export function composeAlerts(
  { config, instance, db, sources, hub, clock, log }: {
    config: Config;
    instance: string;
    db: RecordsDb;
    sources: readonly ReadingSource[];
    hub: Publisher;
    clock: Clock;
    log: Logger;
  },
): Alerts {
  const store = createAlertStore({ db, log });
  return createAlerts({
    rules: buildRules(config.HOLDFAST_PROFILE, config.alertOverrides),
    store,
    lease: createLease({ db, name: instance, everySeconds: config.HOLDFAST_FAST_TIER_SECONDS }),
    silences: createSilences({ db, clock }),
    deliveries: createDeliveries({
      settings: config.HOLDFAST_CHANNELS,
      owner: instance,
      sender: { instance, url: `http://${config.HOST}:${config.PORT}/` },
      store,
      clock,
      log,
    }),
    sources: [
      createCanary({
        db,
        name: instance,
        everyMs: config.HOLDFAST_BROADCAST_SECONDS * 1000,
        clock,
        log,
      }),
      ...sources,
    ],
    remindMs: config.HOLDFAST_ALERTS_REMIND_SECONDS * 1000,
    flapFirings: config.HOLDFAST_ALERTS_FLAP_FIRINGS,
    hub,
    clock,
    log,
  });
}
