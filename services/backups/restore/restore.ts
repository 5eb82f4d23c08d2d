import { bytesText } from "../../../lib/text/format.ts";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findPgCtl, stopLeftover } from "../../../db/backups/cluster.ts";
import { mayEnter } from "../../../db/embedded/binaries.ts";
import { type RunAs, unprivilegedUser } from "../../../db/embedded/command.ts";
import { closeHome, ownedDirectory } from "../../../db/embedded/files.ts";
import { HoldfastError } from "../../../errors.ts";
import { extractBackup } from "./extract.ts";
import { gatherWal, type WalSources } from "./gather_wal.ts";
import { recoverCluster } from "./recovery.ts";
import type { BackupRecord } from "../record.ts";
import { newestFirst } from "../retention.ts";
import { ensureFreeSpace } from "../base/files.ts";
import { verifyFiles } from "../verify/files.ts";

/**
 * Returns the backup to restore: the given one, or the newest that had ended by `time`, by its position in the WAL: a clock
 * that was ahead must not make an older one the newest. Throws `not_found`, `conflict`.
 */
export function chooseBackup(
  records: readonly BackupRecord[],
  time: Date | undefined,
  id: string | undefined,
): BackupRecord {
  const base = newestFirst(records.filter(({ kind }) => kind === "base"), Infinity);
  const fits = (record: BackupRecord) =>
    record.status === "complete" &&
    (!time || Date.parse(record.finished_at ?? "") <= time.getTime());
  const chosen = id === undefined ? base.find(fits) : base.find((record) => record.id === id);
  if (!chosen) {
    throw new HoldfastError(
      "not_found",
      id !== undefined
        ? `There is no backup ${id}`
        : time
        ? `No whole backup had ended by ${time.toISOString()}`
        : "There is no whole backup",
    );
  }
  if (!fits(chosen)) {
    throw new HoldfastError(
      "conflict",
      chosen.status !== "complete"
        ? `Backup ${chosen.id} is ${chosen.status}: ${chosen.problems.join("; ")}`
        : `Backup ${chosen.id} ended at ${chosen.finished_at}, after the time asked for`,
    );
  }
  return chosen;
}

/** Throws a `conflict` unless `to` is empty or missing, and the server's user can enter its parent. */
export async function ensureEmptyPlace(to: string): Promise<void> {
  const as = unprivilegedUser();
  if (existsSync(to) && (await readdir(to)).length > 0) {
    throw new HoldfastError(
      "conflict",
      `${to} is not empty; a restore never writes over anything. Choose a new directory`,
    );
  }
  if (as && !mayEnter(dirname(to), as)) {
    throw new HoldfastError(
      "conflict",
      `${dirname(to)} is closed to the user that Postgres runs as (uid ${as.uid}); choose another`,
    );
  }
}

export interface Restored {
  /** The cluster's data directory. */
  data: string;
  seconds: number;
}

export interface RestoreOptions {
  path: string;
  record: BackupRecord;
  to: string;
  /** Where the cluster goes inside `to`: "postgres" for a data directory of Holdfast's, "" for Postgres' own. */
  below: string;
  /** Undefined: recovers to the backup's end only. */
  wal: WalSources | undefined;
  time: Date | undefined;
  signal: AbortSignal;
  /** Called with each step, in words. */
  say: (step: string) => void;
}

/**
 * Restores a backup to a new directory and recovers it: to `time`, or to the end of the available WAL. Verifies it first,
 * and gives the directory its name only when the cluster has started and stopped there.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { path, record, to, below, signal, say } = options;
  const began = performance.now();
  const as = unprivilegedUser();
  const major = Math.floor(record.server_version / 10_000);
  await ensureEmptyPlace(to);
  say(`verifying backup ${record.id}`);
  const problems = await verifyFiles(path, record, signal);
  if (problems.length > 0) {
    throw new HoldfastError("conflict", `The backup is damaged: ${problems.join("; ")}`);
  }
  await mkdir(dirname(to), { recursive: true });
  await ensureFreeSpace(dirname(to), record.raw_bytes, "a restore");
  const partial = `${to}.partial`;
  const pgCtl = await findPgCtl({ major, embedded: record.embedded });
  try {
    await buildCluster(options, { partial, data: join(partial, below), pgCtl, as });
    await rm(to, { recursive: true, force: true });
    await rename(partial, to);
    if (below !== "") await closeHome(to, as);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
    throw new HoldfastError(
      "storage_full",
      `The disk of ${dirname(to)} is full: the cluster and the WAL behind the backup do not fit`,
      { cause: error },
    );
  }
  return { data: join(to, below), seconds: (performance.now() - began) / 1000 };
}

/** Unpacks the backup and the WAL into `data`, and recovers the cluster where its programs are on this machine. */
async function buildCluster(
  { path, record, wal, time, signal, say }: RestoreOptions,
  { partial, data, pgCtl, as }: {
    partial: string;
    data: string;
    pgCtl: string | undefined;
    as: RunAs | undefined;
  },
): Promise<void> {
  if (existsSync(partial)) {
    say(`removing ${partial}, which a restore that was cut short left behind`);
    if (pgCtl) await stopLeftover({ pgCtl, data, as });
    await rm(partial, { recursive: true, force: true });
  }
  await mkdir(partial, { recursive: true });
  await chmod(partial, 0o755);
  await ownedDirectory(data, 0o700, as);
  say(`unpacking ${bytesText(record.raw_bytes)}`);
  await extractBackup({ path, record, to: data, as, durable: true, signal });
  let segments = 0;
  let gap: string | undefined;
  if (wal) {
    ({ files: segments, gap } = await gatherWal(record, wal, { data, as }));
    say(`gathered ${segments} WAL files${wal.live ? ", among them the server's own" : ""}`);
    if (gap) say(`WAL segment ${gap} is missing: recovery ends before it`);
  }
  // Behind a gap, the last transaction that recovery finds is not the server's last.
  const live = wal?.live !== undefined && gap === undefined;
  if (pgCtl) return await recoverCluster({ pgCtl, data, as, segments, time, live, say, signal });
  const major = Math.floor(record.server_version / 10_000);
  say(
    `Postgres ${major} is not on this machine: the cluster is unpacked, and its first start elsewhere will recover it`,
  );
  if (time) {
    throw new HoldfastError("conflict", `--time needs the programs of Postgres ${major}`);
  }
}
