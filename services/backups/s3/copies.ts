import { stat } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { listArchive } from "../wal/archive.ts";
import type { BackupCatalogue } from "../repository.ts";
import type { BackupRecord } from "../record.ts";
import type { BackupStore } from "../backup_store.ts";
import type { Bucket } from "./bucket.ts";
import { checkCopy } from "./check.ts";
import {
  copiedRecords,
  copyBackup,
  copyWal,
  refreshRecords,
  removeCopy,
  retireCopies,
  whatIsNeeded,
} from "./transfer.ts";
import { type Inventory, isWhole } from "./inventory.ts";
import { createLook } from "./look.ts";
import { StorageError } from "./request.ts";
import { createRounds } from "./rounds.ts";
import { type CopyHealth, type CopyState, judgeCopy, noCopies, noCopy } from "./state.ts";

type Look = ReturnType<typeof createLook>;

export interface Copies {
  of(record: BackupRecord): CopyState;
  health(): CopyHealth;
  /**
   * Begins what is to be copied or removed, unless it is at it already, or failed just now. Only with `mend` what a check
   * found damaged: until then its state tells that.
   */
  wake(system: string, how?: { mend: boolean }): void;
  /** Reads a whole copy back and compares it; its state tells what is wrong. What is whole here is copied anew then. */
  check(
    record: BackupRecord,
    how: { wholeHere: boolean; signal: AbortSignal; onStep: (step: string) => void },
  ): Promise<void>;
  /** The backup was removed by hand: its copy shall go, too. */
  discard(id: string): void;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Keeps copies of backups and of archived WAL in a bucket; without one, does nothing. */
export function createCopies(
  { bucket, store, catalogue, keep, clock, log, onChange }: {
    bucket: Bucket | undefined;
    store: BackupStore;
    catalogue: Pick<BackupCatalogue, "records" | "refresh" | "archiveOf">;
    keep: number;
    clock: Clock;
    log: Logger;
    onChange: (important: boolean) => void;
  },
): Copies {
  const startedAt = clock.now().getTime();
  const stopping = new AbortController();
  const { signal } = stopping;
  const problems = new Map<string, string>();
  const doomed = new Set<string>();
  /** Found damaged by a check, and not to be mended yet: ids of backups, or "wal". */
  const held = new Set<string>();
  let walDamage: { id: string; text: string } | undefined;
  let progress: { id: string; done: number; total: number } | undefined;
  /** When each file of archived WAL that is not copied was archived, ms. */
  let waiting: number[] | undefined;
  const counts = { failures: 0, bytes: 0 };
  const now = () => clock.now().getTime();

  const complete = (system: string) =>
    catalogue.records(system).filter(({ status }) => status === "complete");

  const look = bucket && createLook({
    bucket,
    mine: (system) => new Set(catalogue.records(system).map(({ id }) => id)),
    signal,
    now,
    log,
  });

  const createRound = (
    what: string,
    round: (to: Bucket, system: string, look: Look) => Promise<void>,
  ) =>
    createRounds({
      signal,
      now,
      async round(system) {
        if (bucket && look) await round(bucket, system, look);
      },
      onFailure(error) {
        counts.failures++;
        look?.doubt();
        const problem = explainCopy(error);
        log.error("copy_failed", { what, problem });
        onChange(true);
        return problem;
      },
    });

  async function copyOne(to: Bucket, inventory: Inventory, record: BackupRecord) {
    const total = Object.values(record.files).reduce((sum, { bytes }) => sum + bytes, 0);
    const own = progress = { id: record.id, done: 0, total };
    onChange(true);
    try {
      await copyBackup({ bucket: to, inventory, signal }, {
        record,
        path: store.pathOf(record),
        onBytes(bytes, sent) {
          own.done += bytes;
          if (sent) counts.bytes += bytes;
          onChange(false);
        },
      });
      problems.delete(record.id);
      log.info("backup_copied", { id: record.id, bytes: total });
    } finally {
      progress = undefined;
      onChange(true);
    }
  }

  const backups = createRound("backups", async (to, system, look) => {
    await catalogue.refresh();
    const inventory = await look.at(system);
    const work = { bucket: to, inventory, signal };
    for (const id of doomed) {
      const stored = inventory.backups.get(id);
      if (stored) await removeCopy(work, system, stored);
      doomed.delete(id);
    }
    let failed: unknown;
    for (const record of complete(system)) {
      if (held.has(record.id)) continue;
      if (isWhole(inventory.backups.get(record.id))) {
        problems.delete(record.id);
        continue;
      }
      try {
        await copyOne(to, inventory, record);
      } catch (error) {
        if (signal.aborted) throw error;
        await catalogue.refresh();
        if (!catalogue.records(system).some(({ id }) => id === record.id)) continue;
        problems.set(record.id, explainCopy(error));
        if (error instanceof StorageError) throw error;
        failed = error;
      }
    }
    const here = new Set(catalogue.records(system).map(({ id }) => id));
    for (const id of problems.keys()) if (!here.has(id)) problems.delete(id);
    const local = complete(system);
    await refreshRecords(work, local);
    for (const id of await retireCopies(work, { system, local, keep, now: now() })) {
      log.info("copy_retired", { id });
    }
    if (failed) throw failed;
  });

  /** Archived WAL that some backup needs and the storage does not have, in order; notes how long each has waited. */
  async function findMissing(system: string, inventory: Inventory) {
    const archive = catalogue.archiveOf(system);
    const isNeeded = whatIsNeeded(inventory, complete(system)) ?? (() => false);
    const missing = (await listArchive(archive)).filter(({ file, name }) =>
      isNeeded(name) && !inventory.wal.has(file)
    );
    waiting = await Promise.all(missing.map(async ({ file }) => {
      const found = await stat(join(archive, file)).catch(() => undefined);
      return found?.mtimeMs ?? now();
    }));
    return missing;
  }

  const wal = createRound("wal", async (to, system, look) => {
    const archive = catalogue.archiveOf(system);
    // What waits is known also while nobody can look.
    const last = look.last();
    if (last) await findMissing(system, last);
    if (held.has("wal")) return;
    const inventory = await look.at(system);
    const missing = await findMissing(system, inventory);
    for (const one of missing) {
      try {
        counts.bytes += await copyWal({ bucket: to, inventory, signal }, {
          system,
          archive,
          ...one,
        });
      } catch (error) {
        // No backup needs it any more: it was removed meanwhile.
        if ((error as { code?: string }).code !== "ENOENT") throw error;
      }
      waiting = waiting?.slice(1);
    }
    walDamage = undefined;
  });

  return {
    of(record) {
      if (!bucket) return noCopy();
      const { id, status } = record;
      const wanted = status === "complete";
      const stored = look?.last()?.backups.get(id);
      const at = isWhole(stored) ? stored.at : undefined;
      return judgeCopy({
        wanted,
        at,
        progress: progress?.id === id ? progress : undefined,
        problem: problems.get(id) ??
          (walDamage?.id === id ? walDamage.text : undefined) ??
          (wanted && at === undefined ? backups.problem() : undefined),
      });
    },
    health() {
      if (!bucket) return noCopies;
      const last = look?.last();
      const records = last ? copiedRecords(last) : [];
      const [newest] = records;
      const since = newest ? Date.parse(newest.started_at) : startedAt;
      return {
        copy_enabled: true,
        last_copy_at: newest?.started_at ?? null,
        copy_age_seconds: Math.max(0, now() - since) / 1000,
        copy_lag_seconds: waiting === undefined
          ? null
          : Math.max(0, ...waiting.map((at) => now() - at)) / 1000,
        copies: records.length,
        copy_failures: counts.failures,
        copied_bytes: counts.bytes,
        copy_problem: backups.problem() ?? wal.problem() ?? walDamage?.text ??
          [...problems.values()][0] ?? null,
      };
    },
    wake(system, { mend } = { mend: false }) {
      if (!bucket) return;
      if (mend) held.clear();
      backups.wake(system);
      wal.wake(system);
    },
    async check(record, { wholeHere, signal: ending, onStep }) {
      const { id, system } = record;
      if (!bucket || !look || progress?.id === id) return;
      onStep("checking the copy");
      const here = await listArchive(catalogue.archiveOf(system));
      let files: string[] = [];
      let wal: string[] = [];
      try {
        const inventory = await look.anew(system);
        if (!isWhole(inventory.backups.get(id))) return;
        ({ files, wal } = await checkCopy(
          { bucket, inventory, signal: AbortSignal.any([ending, signal]) },
          { record, wholeHere, archived: new Set(here.map(({ file }) => file)) },
        ));
      } catch (error) {
        ending.throwIfAborted();
        files = [`The copy could not be checked: ${explainCopy(error)}`];
      }
      problems.delete(id);
      if (files.length > 0) {
        problems.set(id, files.join("; "));
        held.add(id);
      }
      if (wal.length > 0) held.add("wal");
      walDamage = wal.length > 0 ? { id, text: wal.join("; ") } : undefined;
      const all = [...files, ...wal];
      if (all.length > 0) log.error("copy_damaged", { id, problems: all });
    },
    discard: (id) => void doomed.add(id),
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

/** Why a copy failed, in words for everyone. */
const explainCopy = (error: unknown): string =>
  error instanceof HoldfastError ? error.message : `It was cut short: ${messageOf(error)}`;
