import {
  type AlertRecord,
  listAlerts,
  listOpenAlerts,
  listRuleChanges,
  saveAlerts,
  saveRuleChanges,
} from "../../db/alerts.ts";
import type { RecordsDb } from "../../db/records.ts";
import type { Alert } from "./alert.ts";
import type { RuleLevels } from "./rule.ts";

function toRecord(alert: Alert): AlertRecord {
  const time = (value: string | null) => value === null ? null : new Date(value);
  return {
    ...alert,
    started_at: new Date(alert.started_at),
    fired_at: new Date(alert.started_at),
    resolved_at: time(alert.resolved_at),
    acknowledged_at: time(alert.acknowledged_at),
    cure: [...alert.cure],
  };
}

function fromRecord(record: AlertRecord): Alert {
  const { fired_at: _, ...rest } = record;
  return {
    ...rest,
    started_at: record.started_at.toISOString(),
    resolved_at: record.resolved_at?.toISOString() ?? null,
    acknowledged_at: record.acknowledged_at?.toISOString() ?? null,
  } as Alert;
}

/** Where alerts live: the database, and memory for what could not be written yet while it was away. */
export interface AlertStore {
  /** Keeps an alert's present form; written now or, when the database is away, at a later `flush`. */
  save(alert: Alert): void;
  /** Forgets an alert not written yet. */
  drop(id: string): void;
  flush(): Promise<void>;
  open(): Promise<Alert[]>;
  list(query: {
    state: string | undefined;
    before: { startedAt: Date; id: string } | undefined;
    limit: number;
  }): Promise<Alert[]>;
  ruleChanges(): Promise<Map<string, Partial<RuleLevels>>>;
  saveRule(name: string, changes: Partial<RuleLevels>): Promise<void>;
}

export function createAlertStore(db: RecordsDb): AlertStore {
  const unsaved = new Map<string, Alert>();
  let flushing: Promise<void> = Promise.resolve();

  async function writeAll(): Promise<void> {
    const batch = [...unsaved.values()];
    if (batch.length === 0) return;
    await saveAlerts(db, batch.map(toRecord));
    for (const alert of batch) {
      if (unsaved.get(alert.id) === alert) unsaved.delete(alert.id);
    }
  }

  return {
    save: (alert) => void unsaved.set(alert.id, alert),
    drop: (id) => void unsaved.delete(id),
    flush() {
      flushing = flushing.then(writeAll, writeAll);
      return flushing;
    },
    open: async () => (await listOpenAlerts(db)).map(fromRecord),
    async list(query) {
      return (await listAlerts(db, query)).map(fromRecord);
    },
    async ruleChanges() {
      const rows = await listRuleChanges(db);
      return new Map(rows.map(({ name, changes }) => [name, changes as Partial<RuleLevels>]));
    },
    saveRule: (name, changes) => saveRuleChanges(db, name, changes),
  };
}
