import {
  and,
  count,
  desc,
  eq,
  gt,
  inArray,
  lt,
  lte,
  ne,
  notExists,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import { deliveryRecords, watcherRecords } from "../records/schema.ts";

export { deliveryStates } from "../records/schema.ts";

/** Times are RFC 3339 UTC with milliseconds. */
export type DeliveryRecord = typeof deliveryRecords.$inferSelect;

const { id, channel, owner, state, created_at } = deliveryRecords;

/**
 * Makes `adopter` the owner of the queued deliveries of Holdfasts that were not seen for 20 seconds, and returns them, oldest
 * first; with `own` also those that are `adopter`'s already. Of each channel it keeps the newest `max`; the others fail
 * permanently with the error `tooMany`, and their number is returned as `dropped`.
 */
export async function adoptDeliveries(
  db: RecordsDb,
  adopter: string,
  { own: withOwn, max, tooMany }: { own: boolean; max: number; tooMany: string },
): Promise<{ adopted: DeliveryRecord[]; dropped: number }> {
  const rows = await db.run((own) => {
    const { name, seen_at } = watcherRecords;
    const seen = own.select({ name }).from(watcherRecords).where(and(
      eq(name, owner),
      gt(seen_at, sql`now() - interval '20 seconds'`),
      // Seen in the future: the server's clock was ahead then.
      lt(seen_at, sql`now() + interval '20 seconds'`),
    ));
    const isFree = and(
      eq(state, "queued"),
      or(
        withOwn ? eq(owner, adopter) : undefined,
        and(ne(owner, adopter), notExists(seen)),
      ),
    );
    const place = sql<number>`row_number() over (
      partition by ${channel} order by ${created_at} desc, ${id} desc
    )`.as("place");
    const found = own.$with("found").as(
      own.select({ id, place }).from(deliveryRecords).where(isFree),
    );
    const placed = (condition: SQL) =>
      inArray(id, own.select({ id: found.id }).from(found).where(condition));
    const dropped = own.$with("dropped").as(
      own.update(deliveryRecords)
        .set({ state: "dead", error: tooMany, next_attempt_at: null, ended_at: sql`now()` })
        .where(and(isFree, placed(gt(found.place, max))))
        .returning({ id }),
    );
    const taken = own.$with("taken").as(
      own.update(deliveryRecords).set({ owner: adopter })
        .where(and(isFree, placed(lte(found.place, max))))
        .returning(),
    );
    const left = own.select({ count: count() }).from(dropped);
    return own.with(found, dropped, taken)
      .select({ ...taken._.selectedFields, dropped: sql<number>`(${left})::int4`.as("left_out") })
      .from(taken)
      .orderBy(taken.created_at, taken.id);
  });
  return {
    adopted: rows.map(({ dropped: _, ...record }) => record),
    dropped: rows[0]?.dropped ?? 0,
  };
}

/** Returns a page of deliveries, newest first; `before` is the end of the last page. */
export async function listDeliveries(
  db: RecordsDb,
  { before, limit, ...wanted }: {
    channel: string | undefined;
    state: DeliveryRecord["state"] | undefined;
    before: { createdAt: string; id: string } | undefined;
    limit: number;
  },
): Promise<DeliveryRecord[]> {
  // As `before` has it.
  const createdAt = sql`date_trunc('milliseconds', ${created_at})`;
  return await db.run((own) =>
    own.select().from(deliveryRecords)
      .where(and(
        wanted.channel === undefined ? undefined : eq(channel, wanted.channel),
        wanted.state === undefined ? undefined : eq(state, wanted.state),
        before &&
          sql`(${createdAt}, ${id}) < (${before.createdAt}::timestamptz, ${before.id}::uuid)`,
      ))
      .orderBy(desc(createdAt), desc(id))
      .limit(limit)
  );
}

/** Returns one delivery; undefined where none has that id. */
export async function findDelivery(
  db: RecordsDb,
  wanted: string,
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) => own.select().from(deliveryRecords).where(eq(id, wanted)));
  return row;
}

/** Queues a permanently failed delivery again, for `owner`. Returns undefined where none has that id. */
export async function requeueDelivery(
  db: RecordsDb,
  again: { id: string; owner: string; at: Date },
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) =>
    own.update(deliveryRecords)
      .set({
        state: "queued",
        owner: again.owner,
        attempts: 0,
        error: null,
        ended_at: null,
        next_attempt_at: again.at.toISOString(),
      })
      .where(and(eq(id, again.id), eq(state, "dead")))
      .returning()
  );
  return row;
}
