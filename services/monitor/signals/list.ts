import { activitySignals } from "./activity.ts";
import { capacitySignals } from "./capacity.ts";
import { durabilitySignals } from "./durability.ts";
import { ioSignals } from "./io.ts";
import { replicationSignals } from "./replication.ts";
import type { Signal } from "./signal.ts";
import { storageSignals } from "./storage.ts";

/** Every signal read from the server. Pool, ingest and partitions are Holdfast's own, and not among them. */
export const signals: readonly Signal[] = [
  ...activitySignals,
  ...durabilitySignals,
  ...replicationSignals,
  ...ioSignals,
  ...storageSignals,
  ...capacitySignals,
];
