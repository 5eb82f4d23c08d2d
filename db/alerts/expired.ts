import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";

/**
 * Deletes deliveries and silences that ended 30 days ago. Of Holdfasts that were not seen for a day, deletes the states
 * and resolves the open alerts.
 */
export async function deleteExpired(db: RecordsDb): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with delivered as (
        delete from holdfast.alert_deliveries
        where state <> 'queued'
          and ended_at < (select holdfast.trusted_now()) - interval '30 days'
      ),
      silenced as (
        delete from holdfast.alert_silences
        where ends_at < (select holdfast.trusted_now()) - interval '30 days'
      ),
      gone as (
        select name
        from holdfast.alert_watchers
        where seen_at < (select holdfast.trusted_now()) - interval '1 day'
      ),
      stated as (
        delete from holdfast.alert_states
        where instance in (select name from gone)
      )
      update holdfast.alerts set
        state = 'resolved',
        resolved_at = now()
      where resolved_at is null
        and instance in (select name from gone)`)
  );
}
