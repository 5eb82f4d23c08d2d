import { and, desc, eq, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { DeliveryRecord } from "./deliveries.ts";
import type { RecordsDb } from "../records/records.ts";
import { alertRecords } from "../records/schema.ts";

export type AlertRecord = typeof alertRecords.$inferSelect;

/** The state of a rule in a scope. */
export interface StateRecord {
  rule: string;
  scope: string;
  instance: string;
  /** null: the row is deleted. */
  state: unknown;
}

/** Resolved alerts are first, because one alert is open per rule and scope. */
const upsertAlerts = (alerts: readonly AlertRecord[]) =>
  sql`
    insert into holdfast.alerts
    select (jsonb_populate_record(null::holdfast.alerts, one)).*
    from jsonb_array_elements(${JSON.stringify(alerts)}::text::jsonb) as one
    order by one ->> 'resolved_at' nulls last
    on conflict (id) do update set
      alert_type = excluded.alert_type,
      severity = excluded.severity,
      state = excluded.state,
      message = excluded.message,
      value = excluded.value,
      threshold = excluded.threshold,
      resolved_at = excluded.resolved_at,
      acknowledged_at = coalesce(holdfast.alerts.acknowledged_at, excluded.acknowledged_at),
      acknowledged_by = coalesce(holdfast.alerts.acknowledged_by, excluded.acknowledged_by),
      evidence = excluded.evidence,
      cause = excluded.cause,
      cure = excluded.cure,
      peak_severity = excluded.peak_severity,
      flapping = excluded.flapping,
      notified_at = excluded.notified_at,
      notified_severity = excluded.notified_severity`;

const upsertDeliveries = (deliveries: readonly DeliveryRecord[]) =>
  sql`
    insert into holdfast.alert_deliveries
    select (jsonb_populate_record(null::holdfast.alert_deliveries, one)).*
    from jsonb_array_elements(${JSON.stringify(deliveries)}::text::jsonb) as one
    on conflict (id) do update set
      state = excluded.state,
      notices = excluded.notices,
      owner = excluded.owner,
      attempts = excluded.attempts,
      next_attempt_at = excluded.next_attempt_at,
      ended_at = excluded.ended_at,
      error = excluded.error`;

/**
 * Saves alerts, states and deliveries, all or none, in one statement: an alert that counts as notified always has its
 * delivery. Each alert is one row.
 */
export async function saveAlertWork(
  db: RecordsDb,
  { alerts, states, deliveries }: {
    alerts: readonly AlertRecord[];
    states: readonly StateRecord[];
    deliveries: readonly DeliveryRecord[];
  },
): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with saved as (
        ${upsertAlerts(alerts)}
      ),
      stated as (
        select * from jsonb_to_recordset(${JSON.stringify(states)}::text::jsonb)
          as one (rule text, scope text, instance text, state jsonb)
      ),
      kept as (
        insert into holdfast.alert_states (rule, scope, instance, state)
        select
          rule,
          scope,
          instance,
          state
        from stated
        where state <> 'null'::jsonb
        on conflict (rule, scope, instance) do update set
          state = excluded.state,
          updated_at = now()
      ),
      deleted as (
        delete from holdfast.alert_states as old
        using stated
        where (stated.state = 'null'::jsonb or stated.state is null)
          and (old.rule, old.scope, old.instance) = (stated.rule, stated.scope, stated.instance)
      )
      ${upsertDeliveries(deliveries)}`)
  );
}

/** Returns the open alerts. */
export async function listOpenAlerts(db: RecordsDb): Promise<AlertRecord[]> {
  return await db.run((own) =>
    own.select().from(alertRecords).where(isNull(alertRecords.resolved_at))
  );
}

/** Returns the states of shared rules (instance ''), and of the local rules of one Holdfast. */
export async function listStates(
  db: RecordsDb,
  instance: string,
): Promise<StateRecord[]> {
  return await db.run(async (own) =>
    Array.from(
      await own.execute<StateRecord & Record<string, unknown>>(sql`
        select
          rule,
          scope,
          instance,
          state
        from holdfast.alert_states
        where instance in ('', ${instance})`),
    )
  );
}

/** Acknowledges an open alert. Returns undefined where none has that id. */
export async function acknowledgeAlert(
  db: RecordsDb,
  { id, by, at }: { id: string; by: string; at: Date },
): Promise<AlertRecord | undefined> {
  const [row] = await db.run((own) =>
    own.update(alertRecords).set({
      acknowledged_at: sql`coalesce(${alertRecords.acknowledged_at}, ${at.toISOString()})`,
      acknowledged_by: sql`coalesce(${alertRecords.acknowledged_by}, ${by})`,
    }).where(and(eq(alertRecords.id, id), isNull(alertRecords.resolved_at))).returning()
  );
  return row;
}

/** Returns one alert; undefined where none has that id. */
export async function findAlert(db: RecordsDb, id: string): Promise<AlertRecord | undefined> {
  const [row] = await db.run((own) =>
    own.select().from(alertRecords).where(eq(alertRecords.id, id))
  );
  return row;
}

/** Returns a page of alerts, newest first; `before` is the end of the last page. */
export async function listAlerts(
  db: RecordsDb,
  { state, before, limit }: {
    state: string | undefined;
    before: { startedAt: Date; id: string } | undefined;
    limit: number;
  },
): Promise<AlertRecord[]> {
  const conditions: (SQL | undefined)[] = [state ? eq(alertRecords.state, state) : undefined];
  if (before) {
    conditions.push(or(
      lt(alertRecords.started_at, before.startedAt),
      and(eq(alertRecords.started_at, before.startedAt), lt(alertRecords.id, before.id)),
    ));
  }
  return await db.run((own) =>
    own.select().from(alertRecords).where(and(...conditions))
      .orderBy(desc(alertRecords.started_at), desc(alertRecords.id)).limit(limit)
  );
}
