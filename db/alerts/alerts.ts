import { and, desc, eq, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { RecordsDb, RecordsSession } from "../records/records.ts";
import { alertRecords, ruleRecords } from "../records/schema.ts";

export type AlertRecord = typeof alertRecords.$inferSelect;

/** Where a rule stands, and whether that is worth a row. */
export interface StateRecord {
  rule: string;
  scope: string;
  instance: string;
  /** null: it is well, and its row goes. */
  state: unknown;
}

export interface DeliveryRecord {
  id: string;
  channel: string;
  owner: string;
  state: "queued" | "delivered" | "dead";
  summary: string;
  notices: unknown;
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  ended_at: string | null;
  error: string | null;
}

/**
 * Writes alerts, states and deliveries as they are now, all or nothing, in one statement: what people are told and
 * that they were told never part. An alert is one row for its whole life; those that ended go first.
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
          notified_severity = excluded.notified_severity
      ),
      stated as (
        select * from jsonb_to_recordset(${JSON.stringify(states)}::text::jsonb)
          as one (rule text, scope text, instance text, state jsonb)
      ),
      kept as (
        insert into holdfast.alert_states (rule, scope, instance, state)
        select rule, scope, instance, state from stated where state <> 'null'::jsonb
        on conflict (rule, scope, instance) do update set state = excluded.state, updated_at = now()
      ),
      well as (
        delete from holdfast.alert_states as old
        using stated
        where (stated.state = 'null'::jsonb or stated.state is null)
          and (old.rule, old.scope, old.instance) = (stated.rule, stated.scope, stated.instance)
      )
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
        error = excluded.error`)
  );
}

export async function listOpenAlerts(db: RecordsDb): Promise<AlertRecord[]> {
  return await db.run((own) =>
    own.select().from(alertRecords).where(isNull(alertRecords.resolved_at))
  );
}

/** States of the rules that all Holdfasts judge alike (instance ''), and of those of one alone. */
export async function listStates(
  db: RecordsDb,
  instance: string,
): Promise<{ rule: string; scope: string; instance: string; state: unknown }[]> {
  return await db.run(async (own) =>
    Array.from(
      await own.execute<{ rule: string; scope: string; instance: string; state: unknown }>(sql`
        select rule, scope, instance, state from holdfast.alert_states
        where instance in ('', ${instance})`),
    )
  );
}

/** Marks an open alert as somebody's; undefined when none has that id. */
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

export async function findAlert(db: RecordsDb, id: string): Promise<AlertRecord | undefined> {
  const [row] = await db.run((own) =>
    own.select().from(alertRecords).where(eq(alertRecords.id, id))
  );
  return row;
}

/** Alerts, newest first; `before` is where the last page ended. */
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

const ruleColumns = { name: ruleRecords.name, changes: ruleRecords.changes };

export async function listRuleChanges(
  db: RecordsDb,
): Promise<{ name: string; changes: unknown }[]> {
  return await db.run((own) => own.select(ruleColumns).from(ruleRecords));
}

/**
 * Writes what was changed of each rule, all or nothing. With `isAsExpected`, only where it finds what is there to be so;
 * answers whether it was written.
 */
export async function saveRuleChanges(
  db: RecordsDb,
  changes: ReadonlyMap<string, unknown>,
  isAsExpected?: (present: { name: string; changes: unknown }[]) => boolean,
): Promise<boolean> {
  const rows = [...changes].map(([name, changes]) => ({ name, changes }));
  if (rows.length === 0) return true;
  const write = (own: RecordsSession) =>
    own.insert(ruleRecords).values(rows).onConflictDoUpdate({
      target: ruleRecords.name,
      set: { changes: sql`excluded.changes`, updated_at: new Date() },
    });
  if (!isAsExpected) {
    await db.run(write);
    return true;
  }
  return await db.run(async (own) => {
    await own.execute(sql`lock table holdfast.alert_rules in share row exclusive mode`);
    if (!isAsExpected(await own.select(ruleColumns).from(ruleRecords))) return false;
    await write(own);
    return true;
  }, { inTransaction: true });
}
