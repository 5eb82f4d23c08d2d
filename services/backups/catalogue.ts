import { join } from "node:path";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Archiver } from "./wal/service.ts";
import { type BackupRecord, isReadable } from "./record.ts";
import { retire } from "./retention.ts";
import type { BackupRepository } from "./repository.ts";
import { parseLsn, segmentOf } from "./wal/segments.ts";

/** Returns the WAL segment that recovery of a backup begins with. */
export const firstSegment = (record: BackupRecord) =>
  segmentOf(record.timeline ?? 1, parseLsn(record.start_lsn ?? "0/0"), record.segment_bytes);

/** Returns the backup whose recovery begins first in the WAL, on whatever timeline; undefined when none has a position. */
export function earliestInWal(records: readonly BackupRecord[]): BackupRecord | undefined {
  let earliest: { record: BackupRecord; at: bigint } | undefined;
  for (const record of records) {
    if (record.start_lsn === null) continue;
    const at = parseLsn(record.start_lsn);
    if (!earliest || at < earliest.at) earliest = { record, at };
  }
  return earliest?.record;
}

/** Creates the catalogue: the records as last read, newest first, and the removal of backups that are no longer kept. */
export function createBackupCatalogue(
  { repository, archiver, database, keep, now, log }: {
    repository: BackupRepository;
    archiver: Pick<Archiver, "prune">;
    /** This Holdfast's database, once it is known: the dumps of others in the same folder are not its own. */
    database: () => string | undefined;
    keep: number;
    now: () => number;
    log: Logger;
  },
) {
  let records: BackupRecord[] = [];
  const refresh = async () => void (records = await repository.list());
  const archiveOf = (system: string) => join(repository.root, system, "wal");
  const ownOf = (system: string) =>
    records.filter((one) =>
      one.system === system &&
      (one.kind === "base" || one.database === (database() ?? one.database))
    );
  return {
    /** Returns all records, or those of a server that this Holdfast's schedule, retention and health are about. */
    records: (system?: string) => system === undefined ? records : ownOf(system),
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
      for (const record of retire(ownOf(system), keep, { now: now(), taken })) {
        await repository.remove(record);
        log.info("backup_retired", { id: record.id });
      }
      await refresh();
      const kept = records.filter((one) => one.system === system);
      // Where a backup whose record cannot be read begins, and so what WAL it needs, is not known.
      if (!kept.every(isReadable)) return;
      const oldest = earliestInWal(kept);
      await archiver.prune(
        archiveOf(system),
        oldest && firstSegment(oldest),
        oldest?.segment_bytes,
      );
    },
  };
}

export type BackupCatalogue = ReturnType<typeof createBackupCatalogue>;
