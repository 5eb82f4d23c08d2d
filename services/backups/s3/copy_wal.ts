import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type ArchivedFile, listArchive } from "../wal/archive.ts";
import { completeBackups, type CopyContext } from "./copy_backups.ts";
import type { Inventory } from "./inventory.ts";
import { copyWal, whatIsNeeded } from "./transfer.ts";

/** Copies archived WAL that a backup needs and the storage lacks, in order. Throws on the first failure. */
export async function copyMissingWal(context: CopyContext, system: string): Promise<void> {
  const { bucket, inventories, catalogue, tracker, signal } = context;
  const archive = catalogue.archiveOf(system);
  // The lag is known from the last inventory also while the storage is unreachable.
  const last = inventories.last();
  if (last) await findMissing(context, last, system);
  if (tracker.isWalOnHold()) return;
  const inventory = await inventories.get(system);
  for (const file of await findMissing(context, inventory, system)) {
    tracker.walCopied(await copyFile(file));
  }
  tracker.walComplete();

  async function copyFile(file: ArchivedFile): Promise<number> {
    try {
      return await copyWal({ bucket, inventory, signal }, { system, archive, ...file });
    } catch (error) {
      // It was removed meanwhile, because no backup needs it any more.
      if ((error as { code?: string }).code === "ENOENT") return 0;
      throw error;
    }
  }
}

async function findMissing(
  { catalogue, tracker, now }: CopyContext,
  inventory: Inventory,
  system: string,
): Promise<ArchivedFile[]> {
  const archive = catalogue.archiveOf(system);
  const isNeeded = whatIsNeeded(inventory, completeBackups(catalogue, system)) ?? (() => false);
  const missing = (await listArchive(archive)).filter(({ file, name }) =>
    isNeeded(name) && !inventory.wal.has(file)
  );
  tracker.walMissing(
    await Promise.all(missing.map(async ({ file }) => {
      const found = await stat(join(archive, file)).catch(() => undefined);
      return found?.mtimeMs ?? now();
    })),
  );
  return missing;
}
