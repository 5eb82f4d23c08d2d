import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config.ts";
import type { Target } from "../db/connection.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../db/pool.ts";
import type { Logger } from "../log.ts";
import { type Backups, createBackups } from "../services/backups/service.ts";
import { createBackupStore } from "../services/backups/store.ts";
import type { Clock } from "../services/clock.ts";
import { checkRestoredSeals } from "../services/partitions/seal/restored.ts";
import type { Hub } from "../services/hub.ts";

/** Where backups go by these settings. */
export const backupRoot = (config: Config) =>
  resolve(config.HOLDFAST_BACKUP_DIR ?? join(config.HOLDFAST_DATA_DIR, "backups"));

/** The backups of one server, as the settings have them. */
export function createBackupService(
  { config, embedded, ...rest }: {
    config: Config;
    log: Logger;
    clock: Clock;
    target: Target;
    pooler: PoolerMode;
    pool: Pool;
    embedded: EmbeddedServer | undefined;
    hub: Hub;
  },
): Backups {
  return createBackups({
    ...rest,
    embedded,
    checkSeals: checkRestoredSeals,
    store: createBackupStore(backupRoot(config)),
    // The server's user can enter where its cluster lives; nobody knows that of another directory.
    scratchHome: embedded ? dirname(embedded.directory) : join(tmpdir(), "holdfast-drills"),
    settings: {
      // A server of somebody else's is not copied to this disk unasked.
      scheduled: embedded !== undefined || config.HOLDFAST_BACKUP_DIR !== undefined,
      backupHours: config.HOLDFAST_BACKUP_HOURS,
      drillHours: config.HOLDFAST_DRILL_HOURS,
      keep: config.HOLDFAST_BACKUP_KEEP,
      rateMb: config.HOLDFAST_BACKUP_RATE_MB,
      walSeconds: config.HOLDFAST_WAL_SECONDS,
    },
  });
}
