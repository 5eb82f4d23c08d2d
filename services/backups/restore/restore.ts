import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { findPgCtl, startScratch, stopLeftover } from "../../../db/backups/cluster.ts";
import { mayEnter } from "../../../db/embedded/binaries.ts";
import { unprivilegedUser } from "../../../db/embedded/command.ts";
import { closeHome, ownedDirectory, ownedFile } from "../../../db/embedded/files.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { listArchive, readArchived } from "../wal/archive.ts";
import { extractBackup } from "./extract.ts";
import type { BackupRecord } from "../record.ts";
import { ensureFreeSpace } from "../base/files.ts";
import { verifyFiles } from "../verify/files.ts";
import { historyName, parseLsn, partsOf, segmentName, segmentOf } from "../wal/segments.ts";

/** Where WAL after the backup may be found, oldest copy first. */
export interface WalSources {
  archive: string;
  /** What the server handed over, and its own WAL: there when its disk is. */
  spool: string | undefined;
  live: string | undefined;
}

/** The backup to restore from: the newest that had ended by `time`. */
export function chooseBackup(
  records: readonly BackupRecord[],
  time: Date | undefined,
  id: string | undefined,
): BackupRecord {
  const base = records.filter(({ kind }) => kind === "base");
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

/** Refuses a place that holds anything, or that the server's user could not enter. */
export async function needEmptyPlace(to: string): Promise<void> {
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

/** Puts all WAL from the backup's start on into the cluster's own place for it; recovery reads it there. */
async function gatherWal(
  record: BackupRecord,
  { archive, spool, live }: WalSources,
  data: string,
): Promise<number> {
  const as = unprivilegedUser();
  const first = segmentOf(
    record.timeline ?? 1,
    parseLsn(record.start_lsn ?? "0/0"),
    record.segment_bytes,
  );
  const wanted = (name: string) =>
    historyName.test(name) || segmentName.test(name) &&
      partsOf(name, record.segment_bytes).number >= partsOf(first, record.segment_bytes).number;
  const to = join(data, "pg_wal");
  const put = async (name: string, content: Uint8Array) => {
    const at = join(to, name);
    await writeFile(at, content, { mode: 0o600, flush: true });
    if (as) await chown(at, as.uid, as.gid);
  };
  const done = new Set<string>();
  for (const one of await listArchive(archive)) {
    if (!wanted(one.name)) continue;
    await put(one.name, await readArchived(archive, one));
    done.add(one.name);
  }
  for (const folder of [spool, live]) {
    if (!folder || !existsSync(folder)) continue;
    for (const name of (await readdir(folder)).sort()) {
      if (!wanted(name) || done.has(name)) continue;
      await put(name, new Uint8Array(await readFile(join(folder, name))));
      done.add(name);
    }
  }
  return done.size;
}

export interface Restored {
  /** The cluster's data directory. */
  data: string;
  seconds: number;
}

const beyondEnd = /recovery ended before configured recovery target was reached/;

/**
 * Restores a backup to a new directory and recovers it: to `time`, or as far as there is WAL. Verifies first, tells each
 * step, and gives the directory its name only when the cluster has started and stopped there.
 */
export async function restoreBackup(
  { path, record, to, below, wal, time, signal, say }: {
    path: string;
    record: BackupRecord;
    to: string;
    /** The cluster's place in `to`: "postgres" for a data directory of Holdfast's, "" for Postgres' own. */
    below: string;
    /** Undefined: to the backup's end only. */
    wal: WalSources | undefined;
    time: Date | undefined;
    signal: AbortSignal;
    say: (step: string) => void;
  },
): Promise<Restored> {
  const began = performance.now();
  const as = unprivilegedUser();
  const major = Math.floor(record.server_version / 10_000);
  await needEmptyPlace(to);
  say(`verifying backup ${record.id}`);
  const problems = await verifyFiles(path, record, signal);
  if (problems.length > 0) {
    throw new HoldfastError("conflict", `The backup is damaged: ${problems.join("; ")}`);
  }
  await mkdir(dirname(to), { recursive: true });
  await ensureFreeSpace(dirname(to), record.raw_bytes, "a restore");
  const partial = `${to}.partial`;
  const data = join(partial, below);
  const sockets = join(tmpdir(), `holdfast-restore-${process.pid}`);
  const pgCtl = await findPgCtl({ major, embedded: record.embedded });
  try {
    if (existsSync(partial)) {
      say(`removing ${partial}, which a restore that was cut short left behind`);
      if (pgCtl) await stopLeftover({ pgCtl, data, as });
      await rm(partial, { recursive: true, force: true });
    }
    await mkdir(partial, { recursive: true });
    await chmod(partial, 0o755);
    await ownedDirectory(data, 0o700, as);
    say(`unpacking ${Math.round(record.raw_bytes / 1e6)} MB`);
    await extractBackup({ path, record, to: data, as, durable: true, signal });
    let segments = 0;
    if (wal) {
      segments = await gatherWal(record, wal, data);
      say(
        `gathered ${segments} WAL files${wal.live ? ", the living server's own among them" : ""}`,
      );
    }
    if (!pgCtl) {
      say(
        `Postgres ${major} is not on this machine: the cluster is unpacked, its first start there will recover it`,
      );
      if (time) {
        throw new HoldfastError("conflict", `--time needs the programs of Postgres ${major}`);
      }
    } else {
      await ownedDirectory(sockets, 0o700, as);
      await recover({
        pgCtl,
        data,
        sockets,
        segments,
        time,
        live: wal?.live !== undefined,
        say,
        signal,
      });
    }
    await rm(to, { recursive: true, force: true });
    await rename(partial, to);
    if (below !== "") await closeHome(to, as);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(sockets, { recursive: true, force: true });
  }
  return { data: join(to, below), seconds: (performance.now() - began) / 1000 };
}

async function recover(
  { pgCtl, data, sockets, segments, time, live, say, signal }: {
    pgCtl: string;
    data: string;
    sockets: string;
    segments: number;
    time: Date | undefined;
    live: boolean;
    say: (step: string) => void;
    signal: AbortSignal;
  },
): Promise<void> {
  const as = unprivilegedUser();
  const emptyConf = join(sockets, "restore.conf");
  await ownedFile(emptyConf, "", "write", as);
  // Nobody need log in to see that it starts.
  await ownedFile(`${emptyConf}.hba`, "local all all reject\n", "write", as);
  await ownedFile(`${emptyConf}.ident`, "", "write", as);
  const start = async (recovery: Record<string, string>) => {
    if (segments > 0) await ownedFile(join(data, "recovery.signal"), "", "write", as);
    const log = join(sockets, "restore.log");
    await rm(log, { force: true });
    const server = await startScratch({
      pgCtl,
      data,
      sockets,
      emptyConf,
      log,
      as,
      recovery,
      durable: true,
      timeoutMs: 24 * 3_600_000,
      signal,
    });
    await server.stop();
    const told = (await readFile(log, "utf8")).split("\n")
      .filter((line) =>
        /redo done|recovery stopping|last completed transaction|consistent recovery state/.test(
          line,
        )
      );
    for (const line of told) say(`  ${line.replace(/^.*LOG:\s+/, "")}`);
  };
  // All the WAL there is lies in the cluster already: nothing is to be fetched.
  const recovery: Record<string, string> = segments > 0 ? { restore_command: "false" } : {};
  say(time ? `recovering to ${time.toISOString()}` : "recovering to the end of the WAL there is");
  try {
    await start(
      time
        ? {
          ...recovery,
          // Abbreviations of time zones, Z among them, are not known yet where this is read.
          recovery_target_time: time.toISOString().replace("Z", "+00"),
          recovery_target_action: "promote",
        }
        : recovery,
    );
  } catch (error) {
    if (!time || !beyondEnd.test(messageOf(error))) throw error;
    if (!live) {
      throw new HoldfastError(
        "conflict",
        `The WAL there is ends before ${time.toISOString()}; without --time it is recovered as far as it goes`,
      );
    }
    say("no transaction was committed after that time: recovering to the end");
    await start(recovery);
  }
}
