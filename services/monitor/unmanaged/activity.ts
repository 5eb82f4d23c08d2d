import type { Layout } from "./layout.ts";

/** What several readings showed of a table. Times are milliseconds since 1970. */
export interface Activity {
  /** Since when the table is watched. */
  since: number;
  inserted: number;
  readAt: number;
  /** Rows a second between the last two readings; undefined before two, and while counts fell. */
  perSecond?: number | undefined;
  /** When rows were last seen to be inserted, and since when that went on without a pause of two days. */
  insertedAt?: number;
  insertedSince?: number;
  /** The end of the last partition, in microseconds. */
  end?: bigint | undefined;
  /** When partitions were last seen to be added at the end, and how many seconds before the end that was. */
  extendedAt?: number;
  marginSeconds?: number;
}

const dayMs = 86_400_000;
const tablesMax = 1_000;
const keptMs = 8 * dayMs;
const pauseMs = 2 * dayMs;

/** Returns the activity after another reading. Pure. */
export function withReading(
  before: Activity | undefined,
  { last, inserted }: Layout,
  at: number,
  serverSeconds: number,
): Activity {
  const end = last?.to;
  if (!before || at < before.readAt) return { since: at, readAt: at, inserted, end };
  const added = inserted - before.inserted;
  const seconds = (at - before.readAt) / 1_000;
  const after: Activity = {
    ...before,
    readAt: at,
    inserted,
    end,
    perSecond: added >= 0 && seconds > 0 ? added / seconds : undefined,
  };
  if (added > 0) {
    const paused = before.insertedAt === undefined || at - before.insertedAt > pauseMs;
    if (paused || after.insertedSince === undefined) after.insertedSince = at;
    after.insertedAt = at;
  }
  if (before.end !== undefined && end !== undefined && end > before.end) {
    after.extendedAt = at;
    after.marginSeconds = Math.max(0, Number(before.end) / 1e6 - serverSeconds);
  }
  return after;
}

/** Remembers what the readings of up to 1,000 tables showed; a table is forgotten eight days after its last one. */
export function createActivities() {
  const known = new Map<string, Activity>();
  return {
    note(layouts: readonly Layout[], at: number, serverSeconds: number): void {
      for (const [table, { readAt }] of known) if (at - readAt > keptMs) known.delete(table);
      for (const layout of layouts) {
        const before = known.get(layout.table);
        if (before || known.size < tablesMax) {
          known.set(layout.table, withReading(before, layout, at, serverSeconds));
        }
      }
    },
    of: (table: string): Activity | undefined => known.get(table),
  };
}
