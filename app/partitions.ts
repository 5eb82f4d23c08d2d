import { type Catalogue, createCatalogue } from "../services/partitions/catalogue.ts";
import { archiveDirectory } from "../services/partitions/archive/directory.ts";
import { type Archives, createArchives } from "../services/partitions/archive/restore.ts";
import { createPolicies, type Policies } from "../services/partitions/policy_service.ts";
import { rewriteReport } from "../services/partitions/rewrite/report.ts";
import { type Conversions, createConversions } from "../services/partitions/rewrite/service.ts";
import { createRotation, type Rotation } from "../services/partitions/rotation.ts";
import { createVerifications, type Verifications } from "../services/partitions/sealing/service.ts";
import type { Monitor } from "../services/monitor/service.ts";
import type { Foundation } from "./foundation.ts";

export interface PartitionServices {
  catalogue: Catalogue;
  policies: Policies;
  rotation: Rotation;
  conversions: Conversions;
  verifications: Verifications;
  archives: Archives;
}

/** Makes the services of partitions. `monitor` is called for only when something has changed. */
export function composePartitions(
  { config, log, clock, times, pools }: Foundation,
  monitor: () => Monitor,
): PartitionServices {
  const catalogue = createCatalogue();
  const onChange = () => monitor().refreshPartitions();
  const pool = pools.maintenance;
  const policies = createPolicies({ pool: pools.app, config, onChange });
  const conversions = createConversions({
    pool,
    policies,
    config,
    clock,
    log,
    onChange,
    onProgress: (moves) => monitor().publishRewrites(moves.map(rewriteReport)),
  });
  return {
    catalogue,
    policies,
    conversions,
    rotation: createRotation({
      pool,
      catalogue,
      config,
      clock,
      times,
      log,
      onChange,
      beginDrain: conversions.beginDrain,
    }),
    verifications: createVerifications({ pool, clock, log, onChange }),
    archives: createArchives({
      pool,
      catalogue,
      config,
      clock,
      directory: archiveDirectory(config),
      onChange,
    }),
  };
}
