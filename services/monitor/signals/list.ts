import type { RateSource } from "../observations/rates.ts";
import { activitySignals } from "./activity.ts";
import { citusSignals } from "./citus.ts";
import { durabilityRates, durabilitySignals, durabilityTrends } from "./durability.ts";
import { ioSignals, ioTrends } from "./io.ts";
import { replicationSignals } from "./replication.ts";
import type { Signal, TrendSource } from "./signal.ts";
import { storageSignals, storageTrends } from "./storage.ts";
import { timescaleSignals } from "./timescale.ts";

/** Every signal read from the server. Holdfast's own metrics (pool, ingest, partitions) are not among them. */
export const signals: readonly Signal[] = [
  ...activitySignals,
  ...durabilitySignals,
  ...replicationSignals,
  ...ioSignals,
  ...storageSignals,
  ...citusSignals,
  ...timescaleSignals,
];

/** The counters whose rates signals read. */
export const rateSources: readonly RateSource[] = durabilityRates;

/** The values whose trends signals read. */
export const trendSources: readonly TrendSource[] = [
  ...durabilityTrends,
  ...ioTrends,
  ...storageTrends,
];
