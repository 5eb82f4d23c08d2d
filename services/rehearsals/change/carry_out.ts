import type { Sql } from "../../../db/connection.ts";
import {
  changeApplication,
  listRelations,
  type TouchedTable,
} from "../../../db/rehearsals/effects.ts";
import {
  analyse,
  listUnanalysed,
  readCopySize,
  resetDefaults,
} from "../../../db/rehearsals/scratch.ts";
import type { CopyPair } from "../copy/pair.ts";
import type { Change, ChangeCost } from "../rehearsal.ts";
import { unknownWrites } from "../replay/writes.ts";
import { applyScript } from "./apply.ts";
import { createLockRecord } from "./locks.ts";
import { readerApplication, underTraffic, writerApplication } from "./traffic.ts";

/** Converts a plain table of a copy into a partitioned one, with the planner that production uses. */
export type Convert = (
  change: Extract<Change, { source: "policy" }>,
  signal: AbortSignal,
) => Promise<void>;

/**
 * Makes the change on copy `b` while a reader and a writer use the tables that it touches. Returns its cost. Throws the
 * server's error for a change that it refuses.
 */
export async function carryOut(
  copies: CopyPair,
  change: Exclude<Change, { source: "upgrade" }>,
  { tables, convert, changeMs, signal }: {
    tables: readonly TouchedTable[];
    convert: Convert;
    changeMs: number;
    signal: AbortSignal;
  },
): Promise<ChangeCost> {
  const nowMs = () => performance.now();
  const record = createLockRecord();
  if (change.source === "settings") {
    const admin = copies.openAdmin("b");
    await resetDefaults(admin, Object.keys(change.settings)).finally(() =>
      admin.end({ timeout: 1 })
    );
    const began = nowMs();
    await copies.restart(change.settings);
    return costOf({ seconds: (nowMs() - began) / 1000, tables });
  }
  const opened: Sql[] = [];
  const open = async (applicationName: string, statementTimeoutMs: number) => {
    const sql = await copies.open("b", { applicationName, statementTimeoutMs, lockTimeoutMs: 0 });
    opened.push(sql);
    return sql;
  };
  try {
    const watcher = copies.openAdmin("b");
    opened.push(watcher);
    const before = await readCopySize(watcher);
    const known = await listRelations(watcher);
    const changer = await open(changeApplication, changeMs);
    let seconds = 0;
    const stalls = await underTraffic({
      reader: await open(readerApplication, changeMs),
      writer: await open(writerApplication, changeMs),
      watcher,
      tables,
      record,
      nowMs,
    }, async () => {
      const began = nowMs();
      if (change.source === "policy") await convert(change, signal);
      else await applyScript(changer, change.sql, { record, nowMs, signal });
      seconds = (nowMs() - began) / 1000;
    });
    const after = await readCopySize(watcher);
    // New and rewritten tables and expression indexes have no statistics yet; in production autovacuum gathers them.
    for (const { name } of await listUnanalysed(watcher)) {
      signal.throwIfAborted();
      await analyse(watcher, name, { vacuum: true }).catch(() => {});
    }
    return {
      ...costOf({ seconds, tables }),
      // Relations that the change creates cannot block anyone.
      locks: record.report().filter(({ relation }) => known.has(relation)),
      worst_stall_ms: Math.max(stalls.reader_ms, stalls.writer_ms),
      reader_stall_ms: stalls.reader_ms,
      writer_stall_ms: stalls.writer_ms,
      bytes: after.bytes - before.bytes,
      wal_bytes: after.wal_bytes - before.wal_bytes,
    };
  } finally {
    await Promise.all(opened.map((sql) => sql.end({ timeout: 0 }).catch(() => {})));
  }
}

function costOf(
  { seconds, tables }: { seconds: number; tables: readonly TouchedTable[] },
): ChangeCost {
  return {
    seconds,
    locks: [],
    worst_stall_ms: 0,
    reader_stall_ms: 0,
    writer_stall_ms: 0,
    bytes: 0,
    wal_bytes: 0,
    ...unknownWrites,
    tables: tables.map(({ label }) => label),
  };
}
