import {
  type AlertRecord,
  type DeliveryRecord,
  findAlert,
  listAlerts,
  listOpenAlerts,
  listRuleChanges,
  listStates,
  saveAlertWork,
  saveRuleChanges,
  type StateRecord,
} from "../../../db/alerts/alerts.ts";
import { listDeliveries } from "../../../db/alerts/silences.ts";
import { codeOf } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import { type Alert, keyOf } from "../alert.ts";
import type { RuleLevels } from "../rules/rule.ts";

const time = (value: string | null) => value === null ? null : new Date(value);

export function toRecord(alert: Alert): AlertRecord {
  const { unknown_since: _u, silenced_by: _s, inhibited_by: _i, ...rest } = alert;
  return {
    ...rest,
    started_at: new Date(alert.started_at),
    fired_at: new Date(alert.started_at),
    resolved_at: time(alert.resolved_at),
    acknowledged_at: time(alert.acknowledged_at),
    notified_at: time(alert.notified_at),
    cure: [...alert.cure],
  };
}

export function fromRecord(record: AlertRecord): Alert {
  const { fired_at: _, ...rest } = record;
  return {
    ...rest,
    peak_severity: record.peak_severity ?? record.severity,
    started_at: record.started_at.toISOString(),
    resolved_at: record.resolved_at?.toISOString() ?? null,
    acknowledged_at: record.acknowledged_at?.toISOString() ?? null,
    notified_at: record.notified_at?.toISOString() ?? null,
    unknown_since: null,
    silenced_by: null,
    inhibited_by: null,
  } as Alert;
}

const uniqueViolation = "23505";

/** Whether an entry comes after where the last page ended. */
function isBefore(
  { started_at, id }: { started_at: string; id: string },
  before: { startedAt: Date; id: string } | undefined,
): boolean {
  if (!before) return true;
  const [at, end] = [Date.parse(started_at), before.startedAt.getTime()];
  return at < end || at === end && id < before.id;
}

/**
 * Returns a page, newest first, of what is stored and what waits to be written. What waits stands for what is stored
 * under its id, also where it does not match what was asked for any more. Pure.
 */
function withWaiting<T extends { id: string }>(
  stored: readonly T[],
  waiting: ReadonlyMap<string, T>,
  { matches, madeAt, limit }: {
    matches: (entry: T) => boolean;
    madeAt: (entry: T) => string;
    limit: number;
  },
): T[] {
  return [...waiting.values()].filter(matches)
    .concat(stored.filter(({ id }) => !waiting.has(id)))
    .sort((a, b) => madeAt(b).localeCompare(madeAt(a)) || b.id.localeCompare(a.id))
    .slice(0, limit);
}

/** Of alerts that are over and deliveries that ended, this many wait to be written; the oldest of more are forgotten. */
const waitingMax = 1_000;

/** Forgets the oldest entries beyond `waitingMax` that are over. */
function bound<T>(entries: Map<string, T>, isOver: (entry: T) => boolean): void {
  for (const [key, entry] of entries) {
    if (entries.size <= waitingMax) return;
    if (isOver(entry)) entries.delete(key);
  }
}

/** Where alerts live: the database, and memory for what could not be written yet while it took no writes. */
export function createAlertStore(
  { db, access, log }: { db: RecordsDb; access: WriteAccess; log: Logger },
) {
  const alerts = new Map<string, Alert>();
  const states = new Map<string, StateRecord>();
  const deliveries = new Map<string, DeliveryRecord>();
  let failedAt: number | undefined;

  function forget<K, V>(from: Map<K, V>, batch: ReadonlyMap<K, V>): void {
    for (const [key, value] of batch) if (from.get(key) === value) from.delete(key);
  }

  return {
    db,
    /** Keeps the present form of something; written at the next `flush` that reaches the database. */
    saveAlert(alert: Alert): void {
      alerts.set(alert.id, alert);
      bound(alerts, ({ state }) => state === "resolved");
    },
    saveStates(changed: readonly StateRecord[]) {
      for (const one of changed) {
        states.set(`${one.instance}\n${keyOf(one.rule, one.scope)}`, one);
      }
    },
    saveDelivery(delivery: DeliveryRecord): void {
      deliveries.set(delivery.id, delivery);
      bound(deliveries, ({ state }) => state !== "queued");
    },
    /** Forgets an alert not written yet. */
    dropAlert: (id: string) => void alerts.delete(id),
    /** Forgets what was not written of what another Holdfast judges now. */
    dropShared() {
      for (const [id, { instance }] of alerts) if (instance === "") alerts.delete(id);
      for (const [key, { instance }] of states) if (instance === "") states.delete(key);
    },
    /** Writes what waits. Answers false when another alert of the same rule and scope is open there already. */
    async flush(): Promise<boolean> {
      const batch = [new Map(alerts), new Map(states), new Map(deliveries)] as const;
      if (batch.every(({ size }) => size === 0)) return true;
      try {
        await saveAlertWork(db, {
          alerts: [...batch[0].values()].map(toRecord),
          states: [...batch[1].values()],
          deliveries: [...batch[2].values()],
        });
      } catch (error) {
        if (codeOf(error) === uniqueViolation) return false;
        throw error;
      }
      forget(alerts, batch[0]);
      forget(states, batch[1]);
      forget(deliveries, batch[2]);
      return true;
    },
    /** Says once that the database cannot be written, and once that it can be again. */
    noteOutcome(error?: unknown): void {
      if (error !== undefined && failedAt === undefined) {
        failedAt = performance.now();
        log.warn("alerts_not_saved", { error: messageOf(error) });
      } else if (error === undefined && failedAt !== undefined) {
        log.info("alerts_saved_again", { away_ms: Math.round(performance.now() - failedAt) });
        failedAt = undefined;
      }
    },
    open: async () => (await listOpenAlerts(db)).map(fromRecord),
    states: (instance: string) => listStates(db, instance),
    async find(id: string): Promise<Alert | undefined> {
      const waiting = alerts.get(id);
      if (waiting || access.isWatchOnly()) return waiting;
      const record = await findAlert(db, id);
      return record && fromRecord(record);
    },
    /** Alerts, newest first: as stored, and those that wait to be written while nothing can be. */
    async list(query: Parameters<typeof listAlerts>[1]): Promise<Alert[]> {
      if (access.canWrite()) return (await listAlerts(db, query)).map(fromRecord);
      const { state, before, limit } = query;
      // As many of those stored may be replaced by what waits.
      const stored = access.isWatchOnly()
        ? []
        : await listAlerts(db, { ...query, limit: limit + alerts.size });
      return withWaiting(stored.map(fromRecord), alerts, {
        matches: (alert) =>
          (state === undefined || alert.state === state) && isBefore(alert, before),
        madeAt: ({ started_at }) => started_at,
        limit,
      });
    },
    /** Deliveries, newest first, likewise. */
    async deliveries(query: Parameters<typeof listDeliveries>[1]): Promise<DeliveryRecord[]> {
      if (access.canWrite()) return await listDeliveries(db, query);
      const { channel, state, before, limit } = query;
      const position = before && { startedAt: new Date(before.createdAt), id: before.id };
      const stored = access.isWatchOnly()
        ? []
        : await listDeliveries(db, { ...query, limit: limit + deliveries.size });
      return withWaiting(stored, deliveries, {
        matches: (one) =>
          (channel === undefined || one.channel === channel) &&
          (state === undefined || one.state === state) &&
          isBefore({ started_at: one.created_at, id: one.id }, position),
        madeAt: ({ created_at }) => created_at,
        limit,
      });
    },
    async ruleChanges(): Promise<Map<string, Partial<RuleLevels>>> {
      const rows = await listRuleChanges(db);
      return new Map(rows.map(({ name, changes }) => [name, changes as Partial<RuleLevels>]));
    },
    /** With `expected`, only where that is still what was changed before; answers whether it was saved. */
    saveRules: (
      changes: ReadonlyMap<string, Partial<RuleLevels>>,
      expected?: ReadonlyMap<string, Partial<RuleLevels>>,
    ) =>
      saveRuleChanges(
        db,
        changes,
        expected && ((present) =>
          present.length === expected.size &&
          present.every(({ name, changes }) =>
            JSON.stringify(changes) === JSON.stringify(expected.get(name))
          )),
      ),
  };
}

export type AlertStore = ReturnType<typeof createAlertStore>;
