import type { RuleDefinition } from "../definition.ts";
import { backupRules } from "./backups.ts";
import { citusRules } from "./citus.ts";
import { connectionRules } from "./connections.ts";
import { indexRules } from "./indexes.ts";
import { monitoringRules } from "./monitoring.ts";
import { partitionRules } from "./partitions.ts";
import { performanceRules } from "./performance.ts";
import { replicationRules } from "./replication.ts";
import { serverRules } from "./server.ts";
import { sessionRules } from "./sessions.ts";
import { slotRules } from "./slots.ts";
import { timescaleRules } from "./timescale.ts";
import { vacuumRules } from "./vacuum.ts";
import { walRules } from "./wal.ts";
import { writeRules } from "./writes.ts";

/** Every shipped rule, by topic; with production's levels. */
export const shippedRules: readonly RuleDefinition[] = [
  ...connectionRules,
  ...sessionRules,
  ...performanceRules,
  ...vacuumRules,
  ...indexRules,
  ...serverRules,
  ...walRules,
  ...replicationRules,
  ...citusRules,
  ...slotRules,
  ...writeRules,
  ...partitionRules,
  ...timescaleRules,
  ...backupRules,
  ...monitoringRules,
];
