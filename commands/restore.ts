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
  type WalSources,
} from "../services/backups/restore/restore.ts";
import { createBackupRepository } from "../services/backups/repository.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import type { CommandContext } from "./serve.ts";

const help = `deno task restore --to DIR [--from s3] [--time T] [--backup ID] [--without-wal]

Restores a backup to DIR, which must be new or empty: the newest, recovered as far as there is WAL; with --time
(RFC 3339) to that moment; --without-wal only to the backup's own end. With --from s3 from the copies in
HOLDFAST_S3_URL, and from nothing else: they are fetched to DIR.fetched first. Needs no running database, changes
nothing that is there. See docs/backups.md for what to do then.`;

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

/** The system identifier of a cluster, the first 8 bytes of its control file; undefined where there is none. */
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

interface Wish {
  to: string;
  time: Date | undefined;
  id: string | undefined;
  withWal: boolean;
  signal: AbortSignal;
  say: (step: string) => void;
}

function choose(records: readonly BackupRecord[], where: string, { time, id, say }: Wish) {
  const systems = new Set(records.map(({ system }) => system));
  if (systems.size > 1 && id === undefined) {
    throw new UsageError(
      `There are backups of ${systems.size} servers in ${where}; choose one with --backup ID`,
    );
  }
  const record = chooseBackup(records, time, id);
  const major = record.server_version / 10_000 | 0;
  say(`backup ${record.id} of ${record.finished_at}, Postgres ${major}`);
  return record;
}

/** A backup on this machine, with the server's own WAL where its disk is still there. */
async function findHere(config: Config, wish: Wish): Promise<Found> {
  const repository = createBackupRepository(backupRoot(config));
  const record = choose(await repository.list(), repository.root, wish);
  const found = { record, path: repository.pathOf(record), wal: undefined };
  if (!wish.withWal) return found;
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

/** Whether a directory holds only what is fetched from a storage: folders named by servers' identifiers. */
const isStaging = (path: string) => readdirSync(path).every((name) => /^\d+$/.test(name));

/** A backup from the storage, fetched into the empty directory `staging`. */
async function findCopy(config: Config, staging: string, wish: Wish): Promise<Found> {
  const { withWal, signal, say, to } = wish;
  const bucket = bucketOf(config);
  if (!bucket) {
    throw new UsageError(
      "--from s3 needs HOLDFAST_S3_URL, HOLDFAST_S3_ACCESS_KEY_ID and HOLDFAST_S3_SECRET_ACCESS_KEY",
    );
  }
  await ensureEmptyPlace(to);
  say(`looking for backups in ${bucket.where}`);
  const storage = await readStorage(bucket, signal);
  const record = choose(recordsOf(storage), bucket.where, wish);
  const inventory = storage.get(record.system);
  if (!inventory) throw new HoldfastError("not_found", "There is no whole backup");
  if (existsSync(staging)) {
    if (!isStaging(staging)) {
      throw new HoldfastError("conflict", `${staging} is in the way: copies are fetched there`);
    }
    say(`removing ${staging}, which a restore that was cut short left behind`);
    await rm(staging, { recursive: true, force: true });
  }
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await fetchBackup({ bucket, inventory, record, wal: withWal, to: staging, signal, say });
  const home = join(staging, record.system);
  return {
    record,
    path: join(home, record.id),
    wal: withWal ? { archive: join(home, "wal"), spool: undefined, live: undefined } : undefined,
  };
}

/** `deno task restore`: a backup made a cluster again, in a new directory. */
export async function restore(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("restore", args, {
    to: { type: "string" },
    from: { type: "string" },
    time: { type: "string" },
    backup: { type: "string" },
    "without-wal": { type: "boolean" },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (!values.to || positionals.length > 0) {
    throw new UsageError("Say where to with --to DIR; see deno task restore --help");
  }
  if (values.from !== undefined && values.from !== "s3") {
    throw new UsageError(`--from is ${JSON.stringify(values.from)}; it can only be s3`);
  }
  const time = readTime(values.time);
  if (time && values["without-wal"]) throw new UsageError("--time needs the WAL");
  const { config, runtime } = context;
  const stopped = new AbortController();
  runtime.onStopSignal(() => stopped.abort(new HoldfastError("conflict", "It was stopped")));
  const to = resolve(values.to);
  const staging = `${to}.fetched`;
  const say = (step: string) => console.log(step);
  const wish: Wish = {
    to,
    time,
    id: values.backup,
    withWal: !values["without-wal"],
    signal: stopped.signal,
    say,
  };
  try {
    const { record, path, wal } = values.from === "s3"
      ? await findCopy(config, staging, wish)
      : await findHere(config, wish);
    const { data, seconds } = await restoreBackup({
      path,
      record,
      to,
      below: record.embedded ? "postgres" : "",
      wal,
      time,
      signal: stopped.signal,
      say,
    });
    say(`restored to ${data} in ${seconds.toFixed(1)} s; it has started and stopped there`);
    say(
      record.embedded
        ? `to use it: HOLDFAST_DATA_DIR=${to} deno task serve`
        : `to use it: pg_ctl start --pgdata ${data}, with your own postgresql.conf and pg_hba.conf`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    console.error(`Not restored: ${error.message}`);
    return 1;
  } finally {
    if (values.from === "s3" && existsSync(staging) && isStaging(staging)) {
      await rm(staging, { recursive: true, force: true });
    }
  }
}
