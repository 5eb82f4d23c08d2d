import { join } from "node:path";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Archiver } from "./wal/schedule.ts";
import type { BackupRecord } from "./record.ts";
import { newestFirst, retire } from "./retention.ts";
import type { BackupStore } from "./backup_store.ts";
import { parseLsn, segmentOf } from "./wal/segments.ts";

/** The segment that a backup's recovery begins with. */
export const firstSegment = (record: BackupRecord) =>
  segmentOf(record.timeline ?? 1, parseLsn(record.start_lsn ?? "0/0"), record.segment_bytes);

/** The backups as last read, newest first, and what becomes of old ones. */
export function createBackupCatalogue(
  { store, archiver, keep, now, log }: {
    store: BackupStore;
    archiver: Pick<Archiver, "prune">;
    keep: number;
    now: () => number;
    log: Logger;
  },
) {
  let records: BackupRecord[] = [];
  const refresh = async () => void (records = await store.list());
  const archiveOf = (system: string) => join(store.root, system, "wal");
  return {
    records: (system?: string) =>
      system === undefined ? records : records.filter((record) => record.system === system),
    refresh,
    archiveOf,
    /** Throws `not_found`. */
    async find(id: string): Promise<BackupRecord> {
      await refresh();
      const record = records.find((one) => one.id === id);
      if (!record) throw new HoldfastError("not_found", `There is no backup ${id}`);
      return record;
    },
    /** Removes backups that are no longer kept, but not the one just `taken`, and the WAL that only they needed. */
    async prune(system: string, taken?: string): Promise<void> {
      await refresh();
      const mine = records.filter((one) => one.system === system);
      for (const record of retire(mine, keep, { now: now(), taken })) {
        await store.remove(record);
        log.info("backup_retired", { id: record.id });
      }
      await refresh();
      const kept = records.filter((one) => one.system === system && one.start_lsn);
      // By its place in the WAL: a backup that a wrong clock dated must not take the WAL of an older one with it.
      const oldest = newestFirst(kept, now()).at(-1);
      await archiver.prune(
        archiveOf(system),
        oldest && firstSegment(oldest),
        oldest?.segment_bytes,
      );
    },
  };
}

export type BackupCatalogue = ReturnType<typeof createBackupCatalogue>;
