import { z } from "zod";
import { flag, setting, text, whole } from "./definition.ts";

/** Backups, their trial, the WAL archive. */
export const backupSettings = {
  HOLDFAST_BACKUP_DIR: setting(
    text.optional(),
    "a directory that may be created and written",
    "Directory of the backups, preferably on another disk. If unset: `backups` in `HOLDFAST_DATA_DIR`.",
  ),
  HOLDFAST_BACKUP_HOURS: setting(
    whole(0, 8_760).default(24),
    "hours from 0 to 8760 (0: only on demand)",
    "Age of the newest backup at which the next one is taken. For a server given by `DATABASE_URL`, backups are scheduled only if `HOLDFAST_BACKUP_DIR` is set.",
  ),
  HOLDFAST_BACKUP_KEEP: setting(
    whole(1, 1_000).default(2),
    "a whole number from 1 to 1000",
    "Minimum number of proven backups that are kept. Older backups are removed once there are that many.",
  ),
  HOLDFAST_BACKUP_RATE_MB: setting(
    whole(0, 1_000).default(100),
    "MB per second from 0 to 1000 (0: no limit)",
    "Maximum rate at which the server sends a backup, before compression.",
  ),
  HOLDFAST_DRILL_HOURS: setting(
    whole(0, 8_760).default(24),
    "hours from 0 to 8760 (0: only on demand)",
    "Interval at which the newest backup is restored on trial. A new backup is restored on trial at once.",
  ),
  HOLDFAST_REHEARSE_AFTER_DRILL: setting(
    flag.default(false),
    "1 or 0",
    "Whether each restore drill without problems is followed by rehearsals on that backup: of fresh statistics, then of the open advice, five at most. Changed plans are shown in `/api/changes`.",
  ),
  HOLDFAST_REHEARSE_UPGRADE_BIN: setting(
    z.string().regex(/^(\/.{0,999}|embedded)$/).optional(),
    "an absolute path, or embedded",
    "Directory with the programs of a newer major version, such as `/usr/lib/postgresql/18/bin`. With `HOLDFAST_REHEARSE_AFTER_DRILL`, the upgrade to it is rehearsed after each restore drill.",
  ),
  HOLDFAST_WAL_SECONDS: setting(
    whole(0, 86_400).default(300),
    "seconds from 0 to 86400 (0: WAL is not archived)",
    "Maximum time until changed WAL of the embedded server is archived. Archiving begins with the first backup.",
  ),
} as const;
