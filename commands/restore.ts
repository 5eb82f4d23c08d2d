import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { backupRoot, bucketOf } from "../app/backups.ts";
import type { Config } from "../config/config.ts";
import { placeOf, serverUser } from "../db/embedded/place.ts";
import { HoldfastError } from "../errors.ts";
import { fetchBackup, readStorage, recordsOf } from "../services/backups/s3/fetch.ts";
import type { BackupRecord } from "../services/backups/record.ts";
import {
  chooseBackup,
  ensureEmptyPlace,
  restoreBackup,
} from "../services/backups/restore/restore.ts";
import type { WalSources } from "../services/backups/restore/gather_wal.ts";
import { createBackupRepository } from "../services/backups/repository.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import type { CommandContext } from "./serve.ts";

const help = `deno task restore --to DIR [--from s3] [--time T] [--backup ID] [--without-wal]

Restores a backup to DIR, which must be new or empty. By default it takes the newest backup and recovers to the end of
the archived WAL; with --time (RFC 3339) to that time; with --without-wal to the end of the backup. With --from s3 it
reads only the copies in HOLDFAST_S3_URL and fetches them to DIR.fetched first. It needs no running database and changes
no existing file. For the next steps see docs/backups.md.`;

function readTime(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\d[T ].*(Z|[+-]\d\d:?\d\d)$/i.test(text) || Number.isNaN(time.getTime())) {
    throw new UsageError(
      `--time is ${JSON.stringify(text)}; it must be an RFC 3339 time such as 2026-01-31T09:30:00Z`,
    );
  }
  return time;
}

/** Returns the system identifier of a cluster, the first 8 bytes of its control file; undefined without one. */
function systemOf(cluster: string): string | undefined {
  const file = join(cluster, "global", "pg_control");
  return existsSync(file) ? String(readFileSync(file).readBigUInt64LE(0)) : undefined;
}

/** A backup to restore, and where its files are. */
interface Found {
  record: BackupRecord;
  path: string;
  wal: WalSources | undefined;
}

/** What to restore, and where to. */
interface RestoreRequest {
  to: string;
  time: Date | undefined;
  id: string | undefined;
  withWal: boolean;
  signal: AbortSignal;
  print: (step: string) => void;
}

function choose(
  records: readonly BackupRecord[],
  where: string,
  { time, id, print }: RestoreRequest,
) {
  const systems = new Set(records.map(({ system }) => system));
  if (systems.size > 1 && id === undefined) {
    throw new UsageError(
      `There are backups of ${systems.size} servers in ${where}; choose one with --backup ID`,
    );
  }
  const record = chooseBackup(records, time, id);
  const major = record.server_version / 10_000 | 0;
  print(`backup ${record.id} of ${record.finished_at}, Postgres ${major}`);
  return record;
}

/** Finds a backup on this machine, with the server's own WAL when its disk still exists. */
async function findHere(config: Config, request: RestoreRequest): Promise<Found> {
  const repository = createBackupRepository(backupRoot(config));
  const record = choose(await repository.list(), repository.root, request);
  const found = { record, path: repository.pathOf(record), wal: undefined };
  if (!request.withWal) return found;
  const place = record.embedded
    ? placeOf(config.HOLDFAST_DATA_DIR, serverUser(config.HOLDFAST_DATA_DIR))
    : undefined;
  const same = place && systemOf(place.cluster) === record.system;
  return {
    ...found,
    wal: {
      archive: join(repository.root, record.system, "wal"),
      spool: same ? place.spool : undefined,
      live: same ? join(place.cluster, "pg_wal") : undefined,
    },
  };
}

/** Says whether a directory holds only fetched copies: folders named by system identifiers. */
const isStaging = (path: string) => readdirSync(path).every((name) => /^\d+$/.test(name));

/** Fetches a backup from S3 into the empty directory `staging`. */
async function findCopy(config: Config, staging: string, request: RestoreRequest): Promise<Found> {
  const { withWal, signal, print, to } = request;
  const bucket = bucketOf(config);
  if (!bucket) {
    throw new UsageError(
      "--from s3 needs HOLDFAST_S3_URL, HOLDFAST_S3_ACCESS_KEY_ID and HOLDFAST_S3_SECRET_ACCESS_KEY",
    );
  }
  await ensureEmptyPlace(to);
  print(`looking for backups in ${bucket.where}`);
  const storage = await readStorage(bucket, signal);
  const record = choose(recordsOf(storage), bucket.where, request);
  const inventory = storage.get(record.system);
  if (!inventory) throw new HoldfastError("not_found", "There is no complete backup");
  if (existsSync(staging)) {
    if (!isStaging(staging)) {
      throw new HoldfastError(
        "conflict",
        `${staging} exists and holds other files; copies are fetched there, move or delete it first`,
      );
    }
    print(`removing ${staging}, which an interrupted restore left behind`);
    await rm(staging, { recursive: true, force: true });
  }
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await fetchBackup({ bucket, inventory, record, wal: withWal, to: staging, signal, say: print });
  const home = join(staging, record.system);
  return {
    record,
    path: join(home, record.id),
    wal: withWal ? { archive: join(home, "wal"), spool: undefined, live: undefined } : undefined,
  };
}

interface Flags {
  fromS3: boolean;
  to: string;
  time: Date | undefined;
  id: string | undefined;
  withWal: boolean;
}

/** Reads the arguments; undefined for --help. Throws a UsageError that names what is missing or wrong. */
function readFlags(args: string[]): Flags | undefined {
  const { values, positionals } = readArguments("restore", args, {
    to: { type: "string" },
    from: { type: "string" },
    time: { type: "string" },
    backup: { type: "string" },
    "without-wal": { type: "boolean" },
  });
  const { to = "", from, backup: id } = values;
  if (values.help) return undefined;
  if (to === "" || positionals.length > 0) {
    throw new UsageError("Name the directory with --to DIR; see deno task restore --help");
  }
  if (from !== undefined && from !== "s3") {
    throw new UsageError(`--from is ${JSON.stringify(from)}; allowed: s3`);
  }
  const time = readTime(values.time);
  const withWal = !values["without-wal"];
  if (time && !withWal) throw new UsageError("--time needs the WAL: omit --without-wal");
  return { fromS3: from === "s3", to: resolve(to), time, id, withWal };
}

/** Runs `deno task restore`: restores a backup to a cluster in a new directory. */
export async function restore(context: CommandContext, args: string[]): Promise<number> {
  const flags = readFlags(args);
  if (!flags) {
    console.log(help);
    return 0;
  }
  const { config, runtime } = context;
  const stopped = new AbortController();
  runtime.onStopSignal(() =>
    stopped.abort(new HoldfastError("conflict", "The restore was stopped"))
  );
  const staging = `${flags.to}.fetched`;
  const print = (step: string) => console.log(step);
  const request: RestoreRequest = { ...flags, signal: stopped.signal, print };
  try {
    const found = flags.fromS3
      ? await findCopy(config, staging, request)
      : await findHere(config, request);
    await restoreFound(found, request);
    return 0;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    console.error(`Not restored: ${error.message}`);
    return 1;
  } finally {
    if (flags.fromS3 && existsSync(staging) && isStaging(staging)) {
      await rm(staging, { recursive: true, force: true });
    }
  }
}

async function restoreFound(
  { record, path, wal }: Found,
  { to, time, signal, print }: RestoreRequest,
): Promise<void> {
  const { data, seconds } = await restoreBackup({
    path,
    record,
    to,
    below: record.embedded ? "postgres" : "",
    wal,
    time,
    signal,
    say: print,
  });
  print(`restored to ${data} in ${seconds.toFixed(1)} s; it was started once and stopped again`);
  print(
    record.embedded
      ? `to use it: HOLDFAST_DATA_DIR=${to} deno task serve`
      : `to use it: pg_ctl start --pgdata ${data}, with your own postgresql.conf and pg_hba.conf`,
  );
}
