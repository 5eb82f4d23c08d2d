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

/** Pauses between two operations of a client, and between two samples of locks. */
const pauseMs = 5;
const sampleMs = 15;

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export interface Stalls {
  reader_ms: number;
  writer_ms: number;
}

/**
 * Reads and writes the tables that a change touches while `work` makes it, and samples the locks. Returns the longest
 * read and the longest write.
 */
export async function underTraffic(
  { reader, writer, watcher, tables, record, nowMs }: {
    reader: Sql;
    writer: Sql;
    /** A superuser's session, which sees the locks of the others. */
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
    for (let count = 0; going && tables.length > 0; count++) {
      const began = nowMs();
      // A dropped or altered table refuses the operation; the wait for its lock counts all the same.
      await once(sql, tables[count % tables.length]!).catch(() => {});
      stalls[name] = Math.max(stalls[name], nowMs() - began);
      await pause(pauseMs);
    }
  }

  async function sample(): Promise<void> {
    while (going) {
      const locks = await sampleLocks(watcher).catch(() => []);
      record.note(locks, nowMs(), {
        changer: changeApplication,
        clients: { [readerApplication]: "readers", [writerApplication]: "writers" },
      });
      await pause(sampleMs);
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
    // Clients that still wait for a lock are measured to the end, which comes soon after the change.
    await Promise.all(running);
  } finally {
    going = false;
  }
  return stalls;
}
