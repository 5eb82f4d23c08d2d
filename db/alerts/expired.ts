import { and, inArray, isNull, lt, ne } from "drizzle-orm";
import type { AlertRecord } from "./alerts.ts";
import { daysAgo } from "../records/conditions.ts";
import type { RecordsDb, RecordsSession } from "../records/records.ts";
import {
  alertRecords,
  deliveryRecords,
  silenceRecords,
  stateRecords,
  watcherRecords,
} from "../records/schema.ts";

/** Selects the names of the Holdfasts that were not seen for a day. */
const goneWatchers = (own: RecordsSession) =>
  own.select({ name: watcherRecords.name }).from(watcherRecords)
    .where(lt(watcherRecords.seen_at, daysAgo(1)));

/** Returns up to 1,000 open alerts of Holdfasts that were not seen for a day: nobody judges them any more. */
export async function listAbandonedAlerts(db: RecordsDb): Promise<AlertRecord[]> {
  const { resolved_at, instance } = alertRecords;
  return await db.run((own) =>
    own.select().from(alertRecords)
      .where(and(isNull(resolved_at), inArray(instance, goneWatchers(own))))
      .limit(1_000)
  );
}

/** Deletes deliveries and silences that ended 30 days ago, and the states of Holdfasts that were not seen for a day. */
export async function deleteExpired(db: RecordsDb): Promise<void> {
  await db.run((own) => {
    const { state, ended_at } = deliveryRecords;
    const delivered = own.$with("delivered").as(
      own.delete(deliveryRecords).where(and(ne(state, "queued"), lt(ended_at, daysAgo(30)))),
    );
    const silenced = own.$with("silenced").as(
      own.delete(silenceRecords).where(lt(silenceRecords.ends_at, daysAgo(30))),
    );
    return own.with(delivered, silenced).delete(stateRecords)
      .where(inArray(stateRecords.instance, goneWatchers(own)));
  });
}
