import { setting, text, whole } from "./definition.ts";

/** Backups, their trial, the WAL archive. */
export const backupSettings = {
  HOLDFAST_BACKUP_DIR: setting(
    text.optional(),
    "a directory that may be created and written",
    "Where backups go; best on another disk. Without it: `backups` in `HOLDFAST_DATA_DIR`.",
  ),
  HOLDFAST_BACKUP_HOURS: setting(
    whole(0, 8_760).default(24),
    "hours from 0 to 8760 (0: only on demand)",
    "Age of the newest backup at which the next is taken. Beside a server given by `DATABASE_URL` only with `HOLDFAST_BACKUP_DIR`.",
  ),
  HOLDFAST_BACKUP_KEEP: setting(
    whole(1, 1_000).default(2),
    "a whole number from 1 to 1000",
    "Proven backups kept at least; older ones go once that many are proven.",
  ),
  HOLDFAST_BACKUP_RATE_MB: setting(
    whole(0, 1_000).default(100),
    "MB per second from 0 to 1000 (0: as fast as it goes)",
    "Rate at most at which the server sends a backup, before compression.",
  ),
  HOLDFAST_DRILL_HOURS: setting(
    whole(0, 8_760).default(24),
    "hours from 0 to 8760 (0: only on demand)",
    "How often the newest backup is restored on trial; a new backup at once.",
  ),
  HOLDFAST_WAL_SECONDS: setting(
    whole(0, 86_400).default(300),
    "seconds from 0 to 86400 (0: WAL is not archived)",
    "Embedded server: WAL with changes is archived after this time at the latest, from the first backup on.",
  ),
} as const;
