import { join } from "node:path";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Archiver } from "./wal/service.ts";
import type { BackupRecord } from "./record.ts";
import { newestFirst, retire } from "./retention.ts";
import type { BackupRepository } from "./repository.ts";
import { parseLsn, segmentOf } from "./wal/segments.ts";

/** Returns the WAL segment that recovery of a backup begins with. */
export const firstSegment = (record: BackupRecord) =>
  segmentOf(record.timeline ?? 1, parseLsn(record.start_lsn ?? "0/0"), record.segment_bytes);

/** Creates the catalogue: the records as last read, newest first, and the removal of backups that are no longer kept. */
export function createBackupCatalogue(
  { repository, archiver, keep, now, log }: {
    repository: BackupRepository;
    archiver: Pick<Archiver, "prune">;
    keep: number;
    now: () => number;
    log: Logger;
  },
) {
  let records: BackupRecord[] = [];
  const refresh = async () => void (records = await repository.list());
  const archiveOf = (system: string) => join(repository.root, system, "wal");
  return {
    records: (system?: string) =>
      system === undefined ? records : records.filter((record) => record.system === system),
    refresh,
    archiveOf,
    /** Returns one record, from disk. Throws `not_found`. */
    async find(id: string): Promise<BackupRecord> {
      await refresh();
      const record = records.find((one) => one.id === id);
      if (!record) throw new HoldfastError("not_found", `There is no backup ${id}`);
      return record;
    },
    /** Removes backups that are no longer kept, except the one just `taken`, and the WAL that only they needed. */
    async prune(system: string, taken?: string): Promise<void> {
      await refresh();
      const own = records.filter((one) => one.system === system);
      for (const record of retire(own, keep, { now: now(), taken })) {
        await repository.remove(record);
        log.info("backup_retired", { id: record.id });
      }
      await refresh();
      const kept = records.filter((one) => one.system === system && one.start_lsn);
      // Ordered by position in the WAL: a wrong clock must not make an older backup lose its WAL.
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
