import { and, inArray, isNull, lt, ne, sql } from "drizzle-orm";
import { daysAgo } from "../records/conditions.ts";
import type { RecordsDb } from "../records/records.ts";
import {
  alertRecords,
  deliveryRecords,
  silenceRecords,
  stateRecords,
  watcherRecords,
} from "../records/schema.ts";

/**
 * Deletes deliveries and silences that ended 30 days ago. Of Holdfasts that were not seen for a day, deletes the states
 * and resolves the open alerts.
 */
export async function deleteExpired(db: RecordsDb): Promise<void> {
  await db.run((own) => {
    const { state, ended_at } = deliveryRecords;
    const delivered = own.$with("delivered").as(
      own.delete(deliveryRecords).where(and(ne(state, "queued"), lt(ended_at, daysAgo(30)))),
    );
    const silenced = own.$with("silenced").as(
      own.delete(silenceRecords).where(lt(silenceRecords.ends_at, daysAgo(30))),
    );
    const gone = own.select({ name: watcherRecords.name }).from(watcherRecords)
      .where(lt(watcherRecords.seen_at, daysAgo(1)));
    const stated = own.$with("stated").as(
      own.delete(stateRecords).where(inArray(stateRecords.instance, gone)),
    );
    const { resolved_at, instance } = alertRecords;
    return own.with(delivered, silenced, stated).update(alertRecords)
      .set({ state: "resolved", resolved_at: sql`now()` })
      .where(and(isNull(resolved_at), inArray(instance, gone)));
  });
}
