import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import type { ServerFacts } from "../db/backups/facts.ts";
import type { Target } from "../db/connection.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../db/pool/pool.ts";
import type { RecordsDb } from "../db/records/records.ts";
import { HoldfastError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Backups } from "../services/backups/service.ts";
import type { BackupRecord } from "../services/backups/record.ts";
import { type BackupRepository, createBackupRepository } from "../services/backups/repository.ts";
import type { Clock } from "../lib/clock.ts";
import type { Publisher } from "../services/live/hub.ts";
import { databaseHealth } from "../services/monitor/health/health.ts";
import type { Changes } from "../services/monitor/diagnosis/changes.ts";
import type { Monitor } from "../services/monitor/service.ts";
import { countActiveStatements } from "../db/rehearsals/production.ts";
import type { ChangedPlans } from "../services/rehearsals/changed_plans.ts";
import { findBase } from "../services/rehearsals/copy/physical.ts";
import { createRehearsals, type Rehearsals } from "../services/rehearsals/service.ts";
import { backupRoot } from "./backups.ts";

const pollMs = 250;

/** Takes a base backup and returns its record; undefined where role, server or pooler allow none. */
async function takeBase(
  { backups, repository }: { backups: Backups; repository: BackupRepository },
  facts: ServerFacts,
  signal: AbortSignal,
): Promise<BackupRecord | undefined> {
  const begun = await backups.start("base").catch((error) => {
    if (error instanceof HoldfastError && error.code === "forbidden") return undefined;
    throw error;
  });
  if (!begun) return undefined;
  const { id } = begun;
  for (;;) {
    if (signal.aborted) {
      await backups.remove(id, true).catch(() => {});
      throw signal.reason;
    }
    const { status, problems } = await backups.get(id);
    if (status !== "running") {
      const base = await findBase(repository, facts, undefined);
      if (status === "complete" && base) return base;
      throw new HoldfastError("conflict", `The backup failed: ${problems.join("; ")}`);
    }
    await new Promise((done) => setTimeout(done, pollMs));
  }
}

/** Creates the rehearsal service from the settings. */
export function createRehearsalService(
  { config, embedded, backups, monitor, changes, ...rest }: {
    config: Config;
    embedded: EmbeddedServer | undefined;
    backups: Backups;
    monitor: Pick<Monitor, "snapshot">;
    changes: Pick<Changes, "note">;
    changedPlans: ChangedPlans;
    log: Logger;
    clock: Clock;
    target: Target;
    pooler: PoolerMode;
    pool: Pool;
    records: RecordsDb;
    hub: Publisher;
  },
): Rehearsals {
  const repository = createBackupRepository(backupRoot(config));
  return createRehearsals({
    ...rest,
    config,
    embedded: embedded !== undefined,
    // The server's user can certainly enter its own cluster's directory.
    scratchHome: embedded ? dirname(embedded.directory) : join(tmpdir(), "holdfast-rehearsals"),
    repository,
    findBase: (facts, id) => findBase(repository, facts, id),
    takeBase: (facts, signal) => takeBase({ backups, repository }, facts, signal),
    activeStatements: () => rest.pool.run(countActiveStatements, { deadlineMs: 5_000 }),
    advice: () => databaseHealth(monitor.snapshot()).recommendations,
    afterDrill: config.HOLDFAST_REHEARSE_AFTER_DRILL,
    upgradeBin: config.HOLDFAST_REHEARSE_UPGRADE_BIN,
    noteChanges: (found) => changes.note(found),
  });
}
