import { migrate } from "../db/migrate.ts";
import { migrations } from "../db/migrations/list.ts";
import type { Pools } from "../db/pool/open.ts";
import { messageOf, StartError } from "../errors.ts";
import { findWeaknesses } from "../services/auth/weaknesses.ts";
import type { Foundation } from "./foundation.ts";
import type { AppServices } from "./services.ts";

/**
 * What a Holdfast is for: a `server` does everything; a `tool` carries out one command and rotates nothing; a `reader`
 * changes nothing at all.
 */
export type Purpose = "server" | "tool" | "reader";

/** Loads what Holdfast's tables hold, and starts what works on them. Runs once the tables are there and take writes. */
export async function loadRecords(
  services: AppServices,
  { pools, version, log }: Pick<Foundation, "pools" | "version" | "log">,
  purpose: Purpose,
): Promise<void> {
  const { alerts, backups, benchmarks, changes, rehearsals } = services;
  const isServer = purpose === "server";
  if (isServer) await services.relay.start();
  await alerts.load();
  if (isServer) {
    services.leaseKeeper.start();
    services.instances.start();
  }
  await changes.load(pools.app);
  changes.started(version);
  await benchmarks.sweepOrphans();
  await backups.prepare().catch((error) =>
    log.error("backups_not_ready", { error: messageOf(error) })
  );
  await rehearsals.prepare().catch((error) =>
    log.error("rehearsals_not_ready", { error: messageOf(error) })
  );
  if (!isServer) return;
  await services.rotation.rotate("start");
  services.conversions.wake();
}

/** Reads the access tokens, and logs each serious weakness of the access settings. */
export async function loadAccess(
  { auth }: Pick<AppServices, "auth">,
  { config, clock, log }: Pick<Foundation, "config" | "clock" | "log">,
): Promise<void> {
  await auth.load();
  for (const { serious, what } of await findWeaknesses(config, clock.now())) {
    if (serious) log.warn("access_is_weak", { detail: what });
  }
}

/** Throws a StartError unless every table of Holdfast exists: a reader makes none. */
export async function requireMigrated({ maintenance }: Pick<Pools, "maintenance">): Promise<void> {
  const pending = await maintenance.run((sql) => migrate(sql, migrations, { dryRun: true }));
  if (pending.length === 0) return;
  throw new StartError(
    `The database lacks ${
      pending.join(", ")
    } of Holdfast's tables: start deno task serve once, which makes them`,
  );
}

/** Stops every service, those first that use the others, and closes the pools. */
export async function stopServices(
  services: AppServices,
  { pools }: Pick<Foundation, "pools">,
  { ownsAccess }: { ownsAccess: boolean },
): Promise<void> {
  await services.operations.stop();
  await services.conversions.stop();
  await services.benchmarks.stop();
  await services.rehearsals.stop();
  await services.backups.stop();
  await services.monitor.stop();
  await services.leaseKeeper.stop();
  await services.alerts.stop();
  await services.instances.stop();
  await services.relay.stop();
  if (ownsAccess) await services.auth.stop();
  await services.audit.stop();
  await services.reads.stop();
  services.requestLog.writeSummary();
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
}
