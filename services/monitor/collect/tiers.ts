import type { Config } from "../../../config/config.ts";

export type MonitorConfig = Pick<
  Config,
  | "HOLDFAST_FAST_TIER_SECONDS"
  | "HOLDFAST_BROADCAST_SECONDS"
  | "HOLDFAST_SLOW_TIER_SECONDS"
  | "HOLDFAST_HOURLY_TIER_SECONDS"
  | "HOLDFAST_BACKFILL_HORIZON_DAYS"
  | "HOLDFAST_PREMAKE_DAYS"
  | "HOLDFAST_RETENTION_DAYS"
  | "HOLDFAST_MAX_PARTITIONS"
>;

/** Returns the interval of each tier, and the age at which its readings become unknown; milliseconds. */
export function tierTimes(
  config: Pick<
    Config,
    | "HOLDFAST_FAST_TIER_SECONDS"
    | "HOLDFAST_BROADCAST_SECONDS"
    | "HOLDFAST_SLOW_TIER_SECONDS"
    | "HOLDFAST_HOURLY_TIER_SECONDS"
  >,
) {
  const everyMs = {
    fast: config.HOLDFAST_FAST_TIER_SECONDS * 1000,
    stats: config.HOLDFAST_BROADCAST_SECONDS * 1000,
    slow: config.HOLDFAST_SLOW_TIER_SECONDS * 1000,
    hourly: config.HOLDFAST_HOURLY_TIER_SECONDS * 1000,
  };
  const maxAgeMs = {
    fast: everyMs.fast * 4,
    stats: everyMs.stats * 3,
    slow: everyMs.slow * 3,
    hourly: everyMs.hourly * 3,
  };
  return { everyMs, maxAgeMs };
}
