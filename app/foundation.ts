import type { Config } from "../config/config.ts";
import { hostLabel } from "../db/address/address.ts";
import { addressOf, type Target, targetOf } from "../db/address/target.ts";
import { createEmbeddedServer, type EmbeddedServer } from "../db/embedded/server.ts";
import type { PoolerMode } from "../db/pool/pool.ts";
import { openPools, openStandbyPools, type Pools } from "../db/pool/open.ts";
import { type RecordsDb, recordsOn } from "../db/records/records.ts";
import type { Clock } from "../lib/clock.ts";
import type { RequestScope } from "../lib/request_scope.ts";
import { StartError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { StandbyTarget } from "../services/market/reads/standby.ts";
import type { TimeSources } from "../services/partitions/restraint/timekeeper.ts";
import { createWriteAccess, type WriteAccess } from "../services/monitor/write_access/access.ts";

/** What every service is made from: settings, time, log, and the ways to the database. */
export interface Foundation {
  config: Config;
  log: Logger;
  version: string;
  clock: Clock;
  /** The time sources of rotations; a test replaces them. */
  times: TimeSources | undefined;
  /** Whether the database is a further one of the process. */
  isFurther: boolean;
  target: Target;
  pooler: PoolerMode;
  pools: Pools;
  /** The standbys that may answer reads. */
  standbys: readonly StandbyTarget[];
  /** Holdfast's own records, on a pool of their own. */
  records: RecordsDb;
  /** The Postgres that Holdfast brings along; undefined where `DATABASE_URL` names another. */
  embedded: EmbeddedServer | undefined;
  access: WriteAccess;
}

/** Opens the pools of the standbys of `HOLDFAST_READ_URLS`. Throws a StartError for an address that is not to be used. */
function openStandbys(config: Config, scope: RequestScope): StandbyTarget[] {
  const names = new Set<string>();
  return config.HOLDFAST_READ_URLS.map((url) => {
    const target = targetOf(url, config.libpqVariables);
    const name = addressOf(target).hosts.map(hostLabel).join(",");
    if (names.has(name)) {
      throw new StartError(`HOLDFAST_READ_URLS names ${name} twice; allowed: each standby once`);
    }
    names.add(name);
    return { name, ...openStandbyPools(target, config, scope) };
  });
}

/** Opens pools on the database of the settings, or on the embedded server. Makes no connection and starts nothing. */
export async function layFoundation(
  { scope, ...given }:
    & Pick<Foundation, "config" | "log" | "version" | "clock" | "times" | "isFurther">
    & { scope: RequestScope },
): Promise<Foundation> {
  const { config, isFurther, log, clock } = given;
  const embedded = config.DATABASE_URL ? undefined : await createEmbeddedServer({
    dataDir: config.HOLDFAST_DATA_DIR,
    log,
    walSeconds: config.HOLDFAST_WAL_SECONDS,
  });
  const target = embedded?.target ?? targetOf(config.DATABASE_URL ?? "", config.libpqVariables);
  const pooler: PoolerMode = { pooled: config.HOLDFAST_POOLER === "transaction" };
  const pools = openPools(target, pooler, config, { scope, isFurther });
  return {
    ...given,
    target,
    pooler,
    embedded,
    pools,
    standbys: openStandbys(config, scope),
    records: recordsOn(pools.records),
    access: createWriteAccess({ clock, log }),
  };
}
