import { forgetKeys } from "../db/market/idempotency.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { createSingleFlight } from "../lib/single_flight.ts";
import type { Logger } from "../log.ts";
import { runsOutSoon } from "../services/partitions/report/report.ts";
import type { Foundation } from "./foundation.ts";
import type { AppServices } from "./services.ts";

/** The jobs that Holdfast does regularly; each call does those that are due, or joins the call that is doing them. */
export interface Upkeep {
  everyMinute(): Promise<void>;
  everyHour(): Promise<void>;
}

/** After this time without a reading the monitor has stopped; milliseconds. */
const readingAgeMax = 60_000;

/** Logs an error when the monitor has taken no reading for a minute. Returns whether the database is reachable. */
function checkMonitor({ monitor }: Pick<AppServices, "monitor">, log: Logger): boolean {
  const { checkedAt, now, unreachable } = monitor.snapshot();
  const age = checkedAt === undefined ? undefined : now - checkedAt;
  if (!unreachable && (age === undefined || age > readingAgeMax)) {
    log.error("watching_has_stopped", { age_ms: age });
  }
  return !unreachable;
}

/** Runs jobs one after the other. An error of one is logged and does not stop the others. */
async function doEach(
  jobs: Readonly<Record<string, () => unknown>>,
  log: Logger,
): Promise<void> {
  for (const [job, work] of Object.entries(jobs)) {
    try {
      await work();
    } catch (error) {
      log.error("regular_job_failed", { job, error: describeDatabaseError(error) });
    }
  }
}

/** Makes the regular jobs. They run only where the database is prepared and takes writes. */
export function createUpkeep(
  { services, foundation: { config, pools, access, log }, isPrepared }: {
    services: AppServices;
    foundation: Foundation;
    isPrepared: () => boolean;
  },
): Upkeep {
  const {
    audit,
    backups,
    conversions,
    monitor,
    operations,
    quarantine,
    rehearsals,
    requestKeys,
    requestLog,
    rotation,
  } = services;
  const days = config.HOLDFAST_IDEMPOTENCY_DAYS;
  const doMinutely = createSingleFlight(() =>
    doEach({
      idempotency_keys: () =>
        pools.maintenance.run((sql) => forgetKeys(sql, { days, limit: 10_000 })),
      request_keys: () => requestKeys.forget(days),
      operations: () => operations.tidy(),
      quarantine: () => quarantine.expire(),
      conversions: () => conversions.wake(),
      history: () => monitor.history.upkeep(),
      async rotation() {
        if (runsOutSoon(monitor.snapshot().tables)) {
          await rotation.rotate("a table runs out soon");
        }
      },
      backups: () => backups.everyMinute(),
      rehearsals: () => rehearsals.everyMinute(),
    }, log)
  );
  const doHourly = createSingleFlight(() =>
    doEach({
      rotation: () => rotation.rotate("schedule"),
      audit: () => audit.expire(),
    }, log)
  );
  return {
    async everyMinute() {
      requestLog.writeSummary();
      if (!isPrepared() || !checkMonitor(services, log) || !access.canWrite()) return;
      await doMinutely();
    },
    async everyHour() {
      if (isPrepared() && access.canWrite()) await doHourly();
    },
  };
}
