import {
  and,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { excluded, isAnyOf } from "../records/conditions.ts";
import type { RecordsDb } from "../records/records.ts";
import { rowsOf } from "../records/rows.ts";
import { alertRecords, deliveryRecords, stateRecords } from "../records/schema.ts";
import type { DeliveryRecord } from "./deliveries.ts";

export type AlertRecord = typeof alertRecords.$inferSelect;

/** The state of a rule in a scope; null: the row is deleted. */
export type StateRecord = Omit<typeof stateRecords.$inferSelect, "updated_at">;

/** Selects objects as rows of a table, with all its columns. */
const selectRows = (table: PgTable, rows: readonly object[]) => {
  const names = Object.values(getTableColumns(table)).map(({ name }) => sql.identifier(name));
  return sql`select ${sql.join(names, sql`, `)} from ${rowsOf(table, rows)}`;
};

const {
  id: _id,
  rule: _rule,
  scope: _scope,
  instance: _instance,
  started_at: _started_at,
  fired_at: _fired_at,
  ...changing
} = getTableColumns(alertRecords);

/**
 * Saves alerts, states and deliveries, all or none, in one statement: an alert that counts as notified always has its
 * delivery. Each alert is one row, and one that has ended stays so.
 */
export async function saveAlertWork(
  db: RecordsDb,
  { alerts, states, deliveries }: {
    alerts: readonly AlertRecord[];
    states: readonly StateRecord[];
    deliveries: readonly DeliveryRecord[];
  },
): Promise<void> {
  await db.run((own) => {
    const { acknowledged_at, acknowledged_by } = alertRecords;
    const saved = own.$with("saved").as(
      own.insert(alertRecords)
        // Resolved alerts are first, because one alert is open per rule and scope.
        .select(sql`${selectRows(alertRecords, alerts)} order by resolved_at nulls last`)
        .onConflictDoUpdate({
          target: alertRecords.id,
          set: {
            ...excluded(changing),
            acknowledged_at: sql`coalesce(${acknowledged_at}, excluded.acknowledged_at)`,
            acknowledged_by: sql`coalesce(${acknowledged_by}, excluded.acknowledged_by)`,
          },
          // A Holdfast whose lease ran out unnoticed may not know of the end yet.
          setWhere: sql`${alertRecords.resolved_at} is null or excluded.resolved_at is not null`,
        }),
    );
    const { rule, scope, instance, state, updated_at } = stateRecords;
    const [gone = [], kept = []] = [true, false].map((isGone) =>
      states.filter((one) => (one.state === null) === isGone)
    );
    const stated = own.$with("stated").as(
      own.insert(stateRecords)
        .select(sql`select rule, scope, instance, state, now() from ${rowsOf(stateRecords, kept)}`)
        .onConflictDoUpdate({
          target: [rule, scope, instance],
          set: excluded({ state, updated_at }),
        }),
    );
    const deleted = own.$with("deleted").as(
      own.delete(stateRecords).where(sql`(${rule}, ${scope}, ${instance}) in (
        select rule, scope, instance from ${rowsOf(stateRecords, gone)}
      )`),
    );
    const { notices, owner, attempts, next_attempt_at, ended_at, error } = deliveryRecords;
    return own.with(saved, stated, deleted).insert(deliveryRecords)
      .select(selectRows(deliveryRecords, deliveries))
      .onConflictDoUpdate({
        target: deliveryRecords.id,
        set: excluded({
          state: deliveryRecords.state,
          notices,
          owner,
          attempts,
          next_attempt_at,
          ended_at,
          error,
        }),
      });
  });
}

/** Returns the open alerts. */
export async function listOpenAlerts(db: RecordsDb): Promise<AlertRecord[]> {
  return await db.run((own) =>
    own.select().from(alertRecords).where(isNull(alertRecords.resolved_at))
  );
}

/** Returns the states of shared rules (instance ''), and of the local rules of one Holdfast. */
export async function listStates(db: RecordsDb, of: string): Promise<StateRecord[]> {
  const { rule, scope, instance, state } = stateRecords;
  return await db.run((own) =>
    own.select({ rule, scope, instance, state }).from(stateRecords)
      .where(inArray(instance, ["", of]))
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

/** Returns when channels were last notified of each of these alerts; those of which they never were are left out. */
export async function listNotified(
  db: RecordsDb,
  ids: readonly string[],
): Promise<{ id: string; notified_at: Date | null }[]> {
  const { id, notified_at } = alertRecords;
  return await db.run((own) =>
    own.select({ id, notified_at }).from(alertRecords)
      .where(and(isAnyOf(id, ids), isNotNull(notified_at)))
  );
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
