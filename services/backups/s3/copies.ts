import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import type { BackupCatalogue } from "../catalogue.ts";
import type { BackupRecord } from "../record.ts";
import type { BackupRepository } from "../repository.ts";
import { listArchive } from "../wal/archive.ts";
import { checkCopy } from "./check.ts";
import type { Bucket } from "./client/bucket.ts";
import { copyBackups, type CopyContext, explainCopy } from "./copy_backups.ts";
import { copyMissingWal } from "./copy_wal.ts";
import { createCycle } from "./cycle.ts";
import { isComplete } from "./inventory.ts";
import { createInventoryCache } from "./inventory_cache.ts";
import { type CopyHealth, type CopyState, noCopies, noCopy } from "./state.ts";
import { type CopyDamage, CopyTracker } from "./tracker.ts";

export interface Copies {
  of(record: BackupRecord): CopyState;
  health(): CopyHealth;
  /**
   * Starts to copy and to remove what is due, unless that is running or has just failed. Copies that a check found damaged
   * are replaced only with `repair`: until then their state shows the damage.
   */
  wake(system: string, how?: { repair: boolean }): void;
  /** Reads a complete copy back and compares it. Damaged files are removed where the local ones are intact. */
  check(
    record: BackupRecord,
    how: { intactHere: boolean; signal: AbortSignal; onStep: (step: string) => void },
  ): Promise<void>;
  /** Removes the copy of a backup that was removed by hand, at the next cycle. */
  discard(id: string): void;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

interface CopiesOptions {
  bucket: Bucket | undefined;
  repository: BackupRepository;
  catalogue: Pick<BackupCatalogue, "records" | "refresh" | "archiveOf">;
  keep: number;
  clock: Clock;
  log: Logger;
  onChange: (urgent: boolean) => void;
}

/** Creates the service that keeps copies of backups and archived WAL in a bucket; without one it does nothing. */
export function createCopies({ bucket, ...options }: CopiesOptions): Copies {
  return bucket ? createBucketCopies({ bucket, ...options }) : {
    of: noCopy,
    health: () => noCopies,
    wake() {},
    check: () => Promise.resolve(),
    discard() {},
    idle: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

function createBucketCopies(
  { bucket, repository, catalogue, keep, clock, log, onChange }: CopiesOptions & { bucket: Bucket },
): Copies {
  const stopping = new AbortController();
  const { signal } = stopping;
  const now = () => clock.now().getTime();
  const tracker = new CopyTracker(now());
  const inventories = createInventoryCache({
    bucket,
    localIds: (system) => new Set(catalogue.records(system).map(({ id }) => id)),
    signal,
    now,
    log,
  });
  const context: CopyContext = {
    bucket,
    inventories,
    repository,
    catalogue,
    tracker,
    keep,
    now,
    signal,
    log,
    onChange,
  };
  const cycleOf = (what: string, run: (context: CopyContext, system: string) => Promise<void>) =>
    createCycle({
      run: (system) => run(context, system),
      onFailure(error) {
        tracker.cycleFailed();
        inventories.invalidate();
        const problem = explainCopy(error);
        log.error("copy_failed", { what, problem });
        onChange(true);
        return problem;
      },
      signal,
      now,
    });
  const backups = cycleOf("backups", copyBackups);
  const wal = cycleOf("wal", copyMissingWal);

  return {
    of: (record) => tracker.stateOf(record, inventories.last(), backups.problem()),
    health: () =>
      tracker.health(inventories.last(), {
        now: now(),
        cycleProblem: backups.problem() ?? wal.problem(),
      }),
    wake(system, { repair } = { repair: false }) {
      if (repair) tracker.releaseHolds();
      backups.wake(system);
      wal.wake(system);
    },
    async check(record, { intactHere, signal: ending, onStep }) {
      if (tracker.isCopying(record.id)) return;
      onStep("checking the copy");
      const damage = await findDamage(context, record, { intactHere, ending });
      if (!damage) return;
      tracker.checked(record.id, damage);
      const problems = [...damage.files, ...damage.wal];
      if (problems.length > 0) log.error("copy_damaged", { id: record.id, problems });
    },
    discard: (id) => tracker.discard(id),
    async idle() {
      while (backups.running() || wal.running()) {
        await Promise.all([backups.running(), wal.running()]);
      }
    },
    async stop() {
      stopping.abort(new HoldfastError("shutting_down", "Holdfast is stopping"));
      await Promise.all([backups.running(), wal.running()]);
    },
  };
}

/** Reads the copy of a backup back; undefined when there is no complete copy. Throws only when `ending` aborts. */
async function findDamage(
  { bucket, inventories, catalogue, signal }: CopyContext,
  record: BackupRecord,
  { intactHere, ending }: { intactHere: boolean; ending: AbortSignal },
): Promise<CopyDamage | undefined> {
  const archived = new Set(
    (await listArchive(catalogue.archiveOf(record.system))).map(({ file }) => file),
  );
  try {
    const inventory = await inventories.refresh(record.system);
    if (!isComplete(inventory.backups.get(record.id))) return undefined;
    return await checkCopy(
      { bucket, inventory, signal: AbortSignal.any([ending, signal]) },
      { record, intactHere, archived },
    );
  } catch (error) {
    ending.throwIfAborted();
    return { files: [`The copy could not be checked: ${explainCopy(error)}`], wal: [] };
  }
}
