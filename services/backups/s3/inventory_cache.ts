import type { Logger } from "../../../log.ts";
import type { Bucket } from "./client/bucket.ts";
import { type Inventory, readInventory } from "./inventory.ts";
import { sweepUploads } from "./transfer.ts";

/** An inventory older than this is read anew: other instances write to the storage too. */
const maxAgeMs = 3_600_000;

/** The inventory of a storage, read when it is first needed, after each failure, and once an hour. */
export interface InventoryCache {
  /** Returns the cached inventory, or reads it. */
  get(system: string): Promise<Inventory>;
  /** Reads the inventory; the first time it also aborts uploads that were left open. */
  refresh(system: string): Promise<Inventory>;
  /** Returns the last inventory, from memory. */
  last(): Inventory | undefined;
  /** Makes the next `get` read the inventory, because a request failed. */
  invalidate(): void;
}

export function createInventoryCache(
  { bucket, localIds, signal, now, log }: {
    bucket: Bucket;
    /** Ids of the local backups: no other instance continues their uploads. */
    localIds: (system: string) => ReadonlySet<string>;
    signal: AbortSignal;
    now: () => number;
    log: Logger;
  },
): InventoryCache {
  let cached: { system: string; inventory: Inventory; at: number } | undefined;
  let stale = false;
  let reading: Promise<Inventory> | undefined;

  async function refresh(system: string): Promise<Inventory> {
    if (cached?.system !== system) {
      const ids = localIds(system);
      const uploads = await sweepUploads({ bucket, signal }, {
        system,
        isLocal: (id) => ids.has(id),
        now: now(),
      });
      if (uploads > 0) log.info("copy_uploads_aborted", { uploads });
    }
    const inventory = await readInventory(bucket, system, signal);
    cached = { system, inventory, at: now() };
    stale = false;
    return inventory;
  }

  return {
    refresh,
    async get(system) {
      const fresh = cached?.system === system && !stale && now() - cached.at < maxAgeMs;
      if (fresh && cached) return cached.inventory;
      reading ??= refresh(system).finally(() => reading = undefined);
      return await reading;
    },
    last: () => cached?.inventory,
    invalidate: () => void (stale = true),
  };
}
