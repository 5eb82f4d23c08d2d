import {
  type AlertRecord,
  findAlert,
  listAlerts,
  listNotified,
  listOpenAlerts,
  listStates,
  saveAlertWork,
  type StateRecord,
} from "../../../db/alerts/alerts.ts";
import { listAbandonedAlerts } from "../../../db/alerts/expired.ts";
import { type DeliveryRecord, listDeliveries } from "../../../db/alerts/deliveries.ts";
import { listRuleChanges, type RuleChanges, saveRuleChanges } from "../../../db/alerts/rules.ts";
import { codeOf } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import { type Alert, runbookOf } from "../alert.ts";
import type { RuleLevels } from "../rules/rule.ts";
import { isBefore, Unsaved, withUnsaved } from "./unsaved.ts";

export type AlertStore = ReturnType<typeof createAlertStore>;

const time = (value: string | null) => value === null ? null : new Date(value);

/**
 * Returns the row of an alert. What applies only now (silence, inhibition, unknown value) and what follows from the rule
 * (the address of the runbook) is not stored. Pure.
 */
export function toRecord(alert: Alert): AlertRecord {
  const { unknown_since: _u, silenced_by: _s, inhibited_by: _i, runbook: _r, ...rest } = alert;
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

/** Returns the alert of a row. Pure. */
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
    runbook: runbookOf(record.rule),
  } as Alert;
}

/** Returns whether the stored changes of rules are the expected ones. Pure. */
const isExpected = (
  stored: readonly RuleChanges[],
  expected: ReadonlyMap<string, Partial<RuleLevels>>,
): boolean =>
  stored.length === expected.size &&
  stored.every(({ name, changes }) =>
    JSON.stringify(changes) === JSON.stringify(expected.get(name))
  );

/** Creates the storage of alerts: the database, and memory for what could not be saved yet. */
export function createAlertStore(
  { db, access, log }: { db: RecordsDb; access: WriteAccess; log: Logger },
) {
  const unsaved = new Unsaved();
  /** When saving began to fail, by performance.now. */
  let failedAt: number | undefined;

  return {
    db,
    /** Saves the present form of an alert with the next `flush`. */
    saveAlert: (alert: Alert): void => unsaved.addAlert(alert),
    /** Saves states of rules with the next `flush`. */
    saveStates: (changed: readonly StateRecord[]): void => unsaved.addStates(changed),
    /** Saves the present form of a delivery with the next `flush`. */
    saveDelivery: (delivery: DeliveryRecord): void => unsaved.addDelivery(delivery),
    /** Returns whether the present form of an alert waits to be saved. */
    isUnsaved: (id: string): boolean => unsaved.alerts.has(id),
    /** Returns whether the present form of a delivery waits to be saved. */
    isDeliveryUnsaved: (id: string): boolean => unsaved.deliveries.has(id),
    /** Drops an alert that is not saved yet. */
    dropAlert: (id: string) => void unsaved.alerts.delete(id),
    /** Drops what is not saved of the shared alerts, which another Holdfast judges now. */
    dropShared: () => unsaved.dropShared(),
    /** Saves what waits. Returns false where another alert of the same rule and scope is open in the database. */
    async flush(): Promise<boolean> {
      const batch = unsaved.batch();
      if (!batch) return true;
      try {
        await saveAlertWork(db, {
          alerts: [...batch.alerts.values()].map(toRecord),
          states: [...batch.states.values()],
          deliveries: [...batch.deliveries.values()],
        });
      } catch (error) {
        if (codeOf(error) === sqlState.uniqueViolation) return false;
        throw error;
      }
      unsaved.remove(batch);
      return true;
    },
    /** Logs once that saving fails, and once that it works again. */
    noteOutcome(error?: unknown): void {
      if (error !== undefined && failedAt === undefined) {
        failedAt = performance.now();
        log.warn("alerts_not_saved", { error: messageOf(error) });
      } else if (error === undefined && failedAt !== undefined) {
        log.info("alerts_saved_again", { away_ms: Math.round(performance.now() - failedAt) });
        failedAt = undefined;
      }
    },
    /** Returns the open alerts of Holdfasts that were not seen for a day. */
    abandoned: async () => (await listAbandonedAlerts(db)).map(fromRecord),
    /** Returns the open alerts in the database. */
    open: async () => (await listOpenAlerts(db)).map(fromRecord),
    /**
     * Returns when channels were last notified of each of these alerts, by any Holdfast (milliseconds since 1970); those of
     * which they never were are left out.
     */
    async notifiedAt(ids: readonly string[]): Promise<Map<string, number>> {
      const rows = ids.length === 0 ? [] : await listNotified(db, ids);
      const stored = rows.map(({ id, notified_at }) => [id, notified_at?.getTime() ?? 0] as const);
      const waiting = ids.flatMap((id) => {
        const at = unsaved.alerts.get(id)?.notified_at ?? null;
        return at === null ? [] : [[id, Date.parse(at)] as const];
      });
      return new Map([...stored, ...waiting]);
    },
    /** Returns the shared states, and those of one Holdfast. */
    states: (instance: string) => listStates(db, instance),
    /** Returns one alert. */
    async find(id: string): Promise<Alert | undefined> {
      const waiting = unsaved.alerts.get(id);
      if (waiting || access.isWatchOnly()) return waiting;
      const record = await findAlert(db, id);
      return record && fromRecord(record);
    },
    /** Returns a page of alerts, newest first: stored ones and, while the database takes no writes, unsaved ones. */
    async list(query: Parameters<typeof listAlerts>[1]): Promise<Alert[]> {
      if (access.canWrite()) return (await listAlerts(db, query)).map(fromRecord);
      const { state, before, limit } = query;
      const waiting = unsaved.alerts;
      // Unsaved alerts may replace as many of the stored ones.
      const stored = access.isWatchOnly()
        ? []
        : await listAlerts(db, { ...query, limit: limit + waiting.size });
      return withUnsaved(stored.map(fromRecord), waiting, {
        matches: (alert) =>
          (state === undefined || alert.state === state) && isBefore(alert, before),
        madeAt: ({ started_at }) => started_at,
        limit,
      });
    },
    /** Returns a page of deliveries, newest first, likewise. */
    async deliveries(query: Parameters<typeof listDeliveries>[1]): Promise<DeliveryRecord[]> {
      if (access.canWrite()) return await listDeliveries(db, query);
      const { channel, state, before, limit } = query;
      const position = before && { startedAt: new Date(before.createdAt), id: before.id };
      const waiting = unsaved.deliveries;
      const stored = access.isWatchOnly()
        ? []
        : await listDeliveries(db, { ...query, limit: limit + waiting.size });
      return withUnsaved(stored, waiting, {
        matches: (one) =>
          (channel === undefined || one.channel === channel) &&
          (state === undefined || one.state === state) &&
          isBefore({ started_at: one.created_at, id: one.id }, position),
        madeAt: ({ created_at }) => created_at,
        limit,
      });
    },
    /** Returns the levels changed at run time, by rule. */
    async ruleChanges(): Promise<Map<string, Partial<RuleLevels>>> {
      const rows = await listRuleChanges(db);
      return new Map(rows.map(({ name, changes }) => [name, changes as Partial<RuleLevels>]));
    },
    /** Saves changed levels; where `expected` is given, only if the stored ones are these. Returns whether it did. */
    saveRules: (
      changes: ReadonlyMap<string, Partial<RuleLevels>>,
      expected?: ReadonlyMap<string, Partial<RuleLevels>>,
    ) => saveRuleChanges(db, changes, expected && ((stored) => isExpected(stored, expected))),
  };
}
