import type { Logger } from "../../../log.ts";
import type { Bucket } from "./bucket.ts";
import { sweepUploads } from "./transfer.ts";
import { type Inventory, readInventory } from "./inventory.ts";

/** After this long the storage is looked at anew: others may have been at it. */
const everyMs = 3_600_000;

/** What is known of a storage: read when it is first needed, after each failure, and each hour. */
export function createLook(
  { bucket, mine, signal, now, log }: {
    bucket: Bucket;
    /** Ids of the backups here: nobody else goes on with their uploads. */
    mine: (system: string) => ReadonlySet<string>;
    signal: AbortSignal;
    now: () => number;
    log: Logger;
  },
) {
  let known: { system: string; inventory: Inventory; at: number } | undefined;
  let stale = false;
  let looking: Promise<Inventory> | undefined;

  /** Asks the storage; the first time, aborts uploads that were left open there. */
  async function anew(system: string): Promise<Inventory> {
    if (known?.system !== system) {
      const ids = mine(system);
      const swept = await sweepUploads({ bucket, signal }, {
        system,
        mine: (id) => ids.has(id),
        now: now(),
      });
      if (swept > 0) log.info("copy_uploads_aborted", { uploads: swept });
    }
    const inventory = await readInventory(bucket, system, signal);
    known = { system, inventory, at: now() };
    stale = false;
    return inventory;
  }

  return {
    anew,
    /** What is known, or what the storage says now. */
    async at(system: string): Promise<Inventory> {
      const fresh = known?.system === system && !stale && now() - known.at < everyMs;
      if (fresh && known) return known.inventory;
      looking ??= anew(system).finally(() => looking = undefined);
      return await looking;
    },
    /** What was last known; asks nothing. */
    last: (): Inventory | undefined => known?.inventory,
    /** Something went wrong: what is known may not be so. */
    doubt: () => void (stale = true),
  };
}
