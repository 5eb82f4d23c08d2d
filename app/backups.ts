import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import type { Target } from "../db/connection.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../db/pool/pool.ts";
import type { Logger } from "../log.ts";
import type { Backups } from "../services/backups/service.ts";
import { type Bucket, openBucket } from "../services/backups/s3/client/bucket.ts";
import { createBackups } from "../services/backups/service.ts";
import { createBackupRepository } from "../services/backups/repository.ts";
import type { Clock } from "../lib/clock.ts";
import { checkRestoredSeals } from "../services/partitions/sealing/restored.ts";
import type { Publisher } from "../services/live/hub.ts";

/** Returns the directory of backups. */
export const backupRoot = (config: Config) =>
  resolve(config.HOLDFAST_BACKUP_DIR ?? join(config.HOLDFAST_DATA_DIR, "backups"));

/** Returns the bucket that backups are copied to; undefined when none is configured. */
export function bucketOf(config: Config): Bucket | undefined {
  const {
    HOLDFAST_S3_URL: url,
    HOLDFAST_S3_ACCESS_KEY_ID: accessKeyId,
    HOLDFAST_S3_SECRET_ACCESS_KEY: secretAccessKey,
    HOLDFAST_S3_REGION: region,
  } = config;
  if (!url || !accessKeyId || !secretAccessKey) return undefined;
  const { origin, pathname } = new URL(url);
  const [, bucket = "", ...folders] = pathname.replace(/\/$/, "").split("/");
  const prefix = folders.map((folder) => `${folder}/`).join("");
  return openBucket({
    place: { endpoint: origin, bucket, prefix, region, accessKeyId, secretAccessKey },
  });
}

/** Creates the backup service from the settings. */
export function createBackupService(
  { config, embedded, ...rest }: {
    config: Config;
    log: Logger;
    clock: Clock;
    target: Target;
    pooler: PoolerMode;
    pool: Pool;
    embedded: EmbeddedServer | undefined;
    hub: Publisher;
  },
): Backups {
  return createBackups({
    ...rest,
    embedded,
    checkSeals: checkRestoredSeals,
    repository: createBackupRepository(backupRoot(config)),
    bucket: bucketOf(config),
    // The server's user can certainly enter its own cluster's directory.
    scratchHome: embedded ? dirname(embedded.directory) : join(tmpdir(), "holdfast-drills"),
    settings: {
      // Backups of an external server go to this disk only where HOLDFAST_BACKUP_DIR is set.
      scheduled: embedded !== undefined || config.HOLDFAST_BACKUP_DIR !== undefined,
      backupHours: config.HOLDFAST_BACKUP_HOURS,
      drillHours: config.HOLDFAST_DRILL_HOURS,
      keep: config.HOLDFAST_BACKUP_KEEP,
      rateMb: config.HOLDFAST_BACKUP_RATE_MB,
      walSeconds: config.HOLDFAST_WAL_SECONDS,
    },
  });
}
