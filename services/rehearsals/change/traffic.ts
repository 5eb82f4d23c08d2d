import type { Sql } from "../../../db/connection.ts";
import {
  changeApplication,
  readOnce,
  sampleLocks,
  type TouchedTable,
  writeNothing,
} from "../../../db/rehearsals/effects.ts";
import type { LockRecord } from "./locks.ts";

export const readerApplication = "holdfast-rehearsal-reader";
export const writerApplication = "holdfast-rehearsal-writer";

/** Between two reads or writes of a client, and between two samples of locks. */
const pauseMs = 5;
const sampleMs = 15;

const rest = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export interface Stalls {
  reader_ms: number;
  writer_ms: number;
}

/**
 * Reads and writes the tables that a change touches while `work` carries it out, and samples the locks. Answers the longest
 * that one read and one write took.
 */
export async function underTraffic(
  { reader, writer, watcher, tables, record, nowMs }: {
    reader: Sql;
    writer: Sql;
    /** A session of a superuser, to see the locks of the others. */
    watcher: Sql;
    tables: readonly TouchedTable[];
    record: LockRecord;
    nowMs: () => number;
  },
  work: () => Promise<void>,
): Promise<Stalls> {
  let going = true;
  const stalls: Stalls = { reader_ms: 0, writer_ms: 0 };

  async function client(
    name: keyof Stalls,
    sql: Sql,
    once: (sql: Sql, table: TouchedTable) => Promise<unknown>,
  ): Promise<void> {
    for (let turn = 0; going && tables.length > 0; turn++) {
      const began = nowMs();
      // A table that the change drops or alters refuses; the lock was waited for all the same.
      await once(sql, tables[turn % tables.length]!).catch(() => {});
      stalls[name] = Math.max(stalls[name], nowMs() - began);
      await rest(pauseMs);
    }
  }

  async function sample(): Promise<void> {
    while (going) {
      const locks = await sampleLocks(watcher).catch(() => []);
      record.note(locks, nowMs(), {
        changer: changeApplication,
        clients: { [readerApplication]: "readers", [writerApplication]: "writers" },
      });
      await rest(sampleMs);
    }
  }

  const running = [
    client("reader_ms", reader, readOnce),
    client("writer_ms", writer, writeNothing),
    sample(),
  ];
  try {
    await work();
    going = false;
    // A client that still waits for a lock is measured to its end; the change is over, so that comes at once.
    await Promise.all(running);
  } finally {
    going = false;
  }
  return stalls;
}
