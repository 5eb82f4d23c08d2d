import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { BackupCatalogue } from "../catalogue.ts";
import type { BackupRecord } from "../record.ts";
import type { BackupRepository } from "../repository.ts";
import { retire } from "../retention.ts";
import type { Bucket } from "./client/bucket.ts";
import { StorageError } from "./client/request.ts";
import { type Inventory, isComplete } from "./inventory.ts";
import type { InventoryCache } from "./inventory_cache.ts";
import type { CopyTracker } from "./tracker.ts";
import { copiedRecords, copyBackup, refreshRecords, removeCopy, retireCopies } from "./transfer.ts";

/** What the copying of backups and of WAL works with. */
export interface CopyContext {
  bucket: Bucket;
  inventories: InventoryCache;
  repository: Pick<BackupRepository, "pathOf">;
  catalogue: Pick<BackupCatalogue, "records" | "refresh" | "archiveOf">;
  tracker: CopyTracker;
  keep: number;
  now: () => number;
  signal: AbortSignal;
  log: Logger;
  onChange: (urgent: boolean) => void;
}

/** Describes why a copy failed. */
export const explainCopy = (error: unknown): string =>
  error instanceof HoldfastError ? error.message : `The copy was interrupted: ${messageOf(error)}`;

/** Returns the complete backups of a server. */
export const completeBackups = (
  catalogue: Pick<BackupCatalogue, "records">,
  system: string,
): BackupRecord[] => catalogue.records(system).filter(({ status }) => status === "complete");

/**
 * Removes copies of discarded backups, copies the backups that the storage lacks, updates changed records, and applies the
 * retention. Throws after the rest is done when a backup could not be copied, at once when the storage refuses.
 */
export async function copyBackups(context: CopyContext, system: string): Promise<void> {
  const { bucket, inventories, catalogue, tracker, keep, now, signal, log } = context;
  await catalogue.refresh();
  const inventory = await inventories.get(system);
  const work = { bucket, inventory, signal };
  for (const id of tracker.discarded()) {
    const stored = inventory.backups.get(id);
    if (stored) await removeCopy(work, system, stored);
    tracker.discardDone(id);
  }
  const failure = await copyMissing(context, inventory, system);
  tracker.forgetOthers(new Set(catalogue.records(system).map(({ id }) => id)));
  const local = completeBackups(catalogue, system);
  await refreshRecords(work, local);
  for (const id of await retireCopies(work, { system, local, keep, now: now() })) {
    log.info("copy_retired", { id });
  }
  if (failure) throw failure.error;
}

/**
 * Returns the ids of local backups whose copies the retention would remove at once, because newer copies, perhaps of another
 * instance, are kept instead.
 */
function surplusOf(
  inventory: Inventory,
  local: readonly BackupRecord[],
  { keep, now }: Pick<CopyContext, "keep" | "now">,
): ReadonlySet<string> {
  const all = new Map([...copiedRecords(inventory), ...local].map((one) => [one.id, one]));
  const newestFirst = [...all.values()].sort((a, b) => a.id < b.id ? 1 : -1);
  return new Set(retire(newestFirst, keep, { now: now() }).map(({ id }) => id));
}

/** Copies what the storage lacks. Returns the last failure that concerns one backup only. */
async function copyMissing(
  context: CopyContext,
  inventory: Inventory,
  system: string,
): Promise<{ error: unknown } | undefined> {
  const { catalogue, tracker, signal } = context;
  let failure: { error: unknown } | undefined;
  const local = completeBackups(catalogue, system);
  const surplus = surplusOf(inventory, local, context);
  tracker.setSurplus(surplus);
  for (const record of local) {
    if (tracker.isOnHold(record.id) || surplus.has(record.id)) continue;
    if (isComplete(inventory.backups.get(record.id))) {
      tracker.copySucceeded(record.id);
      continue;
    }
    try {
      await copyOne(context, inventory, record);
    } catch (error) {
      if (signal.aborted) throw error;
      // A backup that was removed meanwhile needs no copy.
      await catalogue.refresh();
      if (!catalogue.records(system).some(({ id }) => id === record.id)) continue;
      tracker.copyFailed(record.id, explainCopy(error));
      if (error instanceof StorageError) throw error;
      failure = { error };
    }
  }
  return failure;
}

async function copyOne(
  { bucket, repository, tracker, signal, log, onChange }: CopyContext,
  inventory: Inventory,
  record: BackupRecord,
): Promise<void> {
  const total = Object.values(record.files).reduce((sum, { bytes }) => sum + bytes, 0);
  tracker.copyStarted(record.id, total);
  onChange(true);
  try {
    await copyBackup({ bucket, inventory, signal }, {
      record,
      path: repository.pathOf(record),
      onBytes(bytes, sent) {
        tracker.copyProgressed(bytes, sent);
        onChange(false);
      },
    });
    tracker.copySucceeded(record.id);
    log.info("backup_copied", { id: record.id, bytes: total });
  } finally {
    tracker.copyEnded();
    onChange(true);
  }
}
