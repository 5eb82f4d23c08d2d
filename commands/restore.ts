import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { backupRoot } from "../compose/backups.ts";
import { placeOf, serverUser } from "../db/embedded/place.ts";
import { HoldfastError } from "../errors.ts";
import { chooseBackup, restoreBackup, type WalSources } from "../services/backups/restore.ts";
import { createBackupStore } from "../services/backups/store.ts";
import { readArguments, UsageError } from "./arguments.ts";
import type { CommandContext } from "./serve.ts";

const help = `deno task restore --to DIR [--time T] [--backup ID] [--without-wal]

Restores a backup to DIR, which must be new or empty: the newest, recovered as far as there is WAL; with --time
(RFC 3339) to that moment; --without-wal only to the backup's own end. Needs no running database, changes nothing
that is there. See docs/backups.md for what to do then.`;

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

/** `deno task restore`: a backup made a cluster again, in a new directory. */
export async function restore(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("restore", args, {
    to: { type: "string" },
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
  const time = readTime(values.time);
  if (time && values["without-wal"]) throw new UsageError("--time needs the WAL");
  const { config, runtime } = context;
  const store = createBackupStore(backupRoot(config));
  const stopped = new AbortController();
  runtime.onStopSignal(() => stopped.abort(new HoldfastError("conflict", "It was stopped")));
  const say = (step: string) => console.log(step);
  try {
    const records = await store.list();
    const systems = new Set(records.map(({ system }) => system));
    if (systems.size > 1 && values.backup === undefined) {
      throw new UsageError(
        `There are backups of ${systems.size} servers in ${store.root}; choose one with --backup ID`,
      );
    }
    const record = chooseBackup(records, time, values.backup);
    say(
      `backup ${record.id} of ${record.finished_at}, Postgres ${
        record.server_version / 10_000 | 0
      }`,
    );
    let wal: WalSources | undefined;
    if (!values["without-wal"]) {
      const place = record.embedded
        ? placeOf(config.HOLDFAST_DATA_DIR, serverUser(config.HOLDFAST_DATA_DIR))
        : undefined;
      const same = place && systemOf(place.cluster) === record.system;
      wal = {
        archive: join(store.root, record.system, "wal"),
        spool: same ? place.spool : undefined,
        live: same ? join(place.cluster, "pg_wal") : undefined,
      };
    }
    const to = resolve(values.to);
    const { data, seconds } = await restoreBackup({
      path: store.pathOf(record),
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
  }
}
