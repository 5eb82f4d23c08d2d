import {
  and,
  asc,
  desc,
  getTableColumns,
  gte,
  lt,
  lte,
  max,
  or,
  sql as sqlText,
} from "drizzle-orm";
import { leaseNotifications } from "../alerts/lease.ts";
import type { Pool, PoolerMode } from "../pool/pool.ts";
import { daysAgo } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { eventRecords, positionRecord } from "../records/schema.ts";

/** Where the sessions of all Holdfasts on one database wake each other. */
export const liveNotifications = "holdfast_live";

type EventRow = typeof eventRecords.$inferSelect;

/** An event for the live clients of every Holdfast on the database. */
export type LiveEvent = Omit<EventRow, "position" | "made_at" | "stored_at"> & {
  /** RFC 3339, to the millisecond. */
  madeAt: string;
};

export type StoredEvent = LiveEvent & Pick<EventRow, "position"> & {
  /** How long ago it was stored, by the database's clock; milliseconds. */
  ageMs: number;
};

/** The events in the database: the order that all Holdfasts send them in. */
export interface EventJournal {
  /** Stores events; answers the position of each, or null for one that tells nothing new. */
  append(events: readonly LiveEvent[]): Promise<(number | null)[]>;
  /** Events from `position` on, in order. */
  from(position: number, limit: number): Promise<StoredEvent[]>;
  /** The last events, in order. */
  newest(limit: number): Promise<StoredEvent[]>;
  /**
   * Deletes all but the last `keep` events, and those older than a day. The last of all stays, and so does the last that is
   * older than a day: another Holdfast that has read no further goes on from there.
   */
  prune(keep: number): Promise<void>;
  /** Makes the session hear of new events; answers false where that cannot be. */
  listen(): Promise<boolean>;
}

const { made_at, stored_at, ...same } = getTableColumns(eventRecords);
const columns = {
  ...same,
  madeAt: made_at,
  ageMs: sqlText<number>`extract(epoch from clock_timestamp() - ${stored_at})::float8 * 1000`,
};
const { position } = eventRecords;

/** Text that every database can store, whatever its encoding; JSON that means the same. */
export function toAscii(json: string): string {
  return json.replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The journal on a pool of one connection, whose session listens. */
export function createEventJournal(pool: Pool, pooler: PoolerMode): EventJournal {
  return {
    append: (events) =>
      pool.run(async (sql) => {
        const rows = await sql<{ event_id: string; event_position: string | null }[]>`
          select event_id::text, event_position::text
          from holdfast.append_live_events(
            ${events.map(({ id }) => id)}::text[]::uuid[],
            ${events.map(({ type }) => type)}::text[],
            ${events.map(({ instance }) => instance)}::text[],
            ${events.map(({ topic }) => topic)}::text[],
            ${events.map(({ digest }) => digest)}::text[],
            ${events.map(({ data }) => toAscii(data))}::text[],
            ${events.map(({ madeAt }) => madeAt)}::text[]::timestamptz[]
          )`;
        const positions = new Map(rows.map((row) => [row.event_id, row.event_position]));
        return events.map(({ id }) => {
          const position = positions.get(id) ?? null;
          return position === null ? null : Number(position);
        });
      }),
    from: (first, limit) =>
      pool.run((sql) =>
        recordsIn(sql).select(columns).from(eventRecords)
          .where(gte(position, first))
          .orderBy(asc(position))
          .limit(limit)
          .execute()
      ),
    newest: (limit) =>
      pool.run(async (sql) => {
        const rows = await recordsIn(sql).select(columns).from(eventRecords)
          .orderBy(desc(position))
          .limit(limit);
        return rows.reverse();
      }),
    async prune(keep) {
      await pool.run(async (sql) => {
        const db = recordsIn(sql);
        const last = db.select({ last: positionRecord.last }).from(positionRecord);
        const lastOld = db.select({ position: max(position) }).from(eventRecords)
          .where(lt(stored_at, daysAgo(1)));
        await db.delete(eventRecords).where(and(
          lt(position, sqlText`(${last})`),
          or(
            lte(position, sqlText`(${last}) - ${keep}::int8`),
            lt(position, sqlText`(${lastOld})`),
          ),
        ));
      });
    },
    listen: () =>
      pool.run(async (sql) => {
        if (pooler.pooled) return false;
        const [row] = await sql<{ listens: boolean }[]>`
          select exists (
            select from pg_listening_channels() as channel where channel = ${liveNotifications}
          ) as listens`;
        if (row?.listens) return true;
        await sql.unsafe(`listen ${leaseNotifications}`);
        await sql.unsafe(`listen ${liveNotifications}`);
        return true;
      }),
  };
}
