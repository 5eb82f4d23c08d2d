import type { Evidence } from "../../alerts/alert.ts";
import type { Rule } from "../../alerts/rules/rule.ts";
import type { CollectorName } from "../../../db/collectors/list.ts";
import { blockingTree } from "./locks.ts";
import { redactSql } from "./redact.ts";
import { isStandby } from "../signals/replication.ts";
import type { Snapshot } from "../snapshot.ts";

/** The facts that support an alert of `rule` in `scope`. */
export function evidenceFor(rule: Rule, scope: string, snapshot: Snapshot): Evidence[] {
  const { view } = snapshot;
  switch (rule.name) {
    case "connection_pool":
    case "pool_wait":
      return [{ name: "connection_pool", value: snapshot.pool }];
    case "idle_in_transaction":
    case "long_transaction":
      return [{
        name: "oldest_transactions",
        value: snapshot.readings.activity.value?.[0]?.oldest_transactions
          .map((one) => ({ ...one, query: redactSql(one.query) })),
      }];
    case "connections":
      return [{ name: "connections_by_state", value: snapshot.metrics.connections_by_state }];
    case "lock_wait":
      return [{
        name: "blocking_tree",
        value: blockingTree(snapshot.readings.locks.value ?? []).slice(0, 5),
      }];
    case "write_failing": {
      const { mode, cause, reason, remedy } = snapshot.access;
      return mode === "writing" ? [] : [{ name: "server", value: { mode, cause, reason, remedy } }];
    }
    case "database_down":
      return [{ name: "error", value: snapshot.unreachable?.error ?? null }];
    case "xmin_horizon":
    case "prepared_transaction":
      return [{ name: "holders", value: view.rows("xmin_horizon")?.slice(0, 5) }];
    case "wraparound":
    case "multixact_wraparound":
      return [{ name: "ids", value: view.rows("wraparound")?.[0] }];
    case "archiver":
      return [{ name: "archiver", value: view.rows("archiver")?.[0] }];
    case "checkpoints_forced":
      return [{ name: "checkpoints", value: view.rows("checkpoints")?.[0] }];
    case "pending_restart":
      return [{
        name: "settings",
        value: view.rows("settings")?.filter((row) => row.pending_restart).map(({ name }) => name),
      }];
    case "replication_lag":
    case "replication_delay":
    case "standby_missing":
      return [{ name: "standbys", value: view.rows("replication")?.filter(isStandby).slice(0, 5) }];
    case "slot_inactive":
    case "slot_retained":
    case "slot_lost":
      return [{ name: "slot", value: view.rows("slots")?.find(({ slot }) => slot === scope) }];
    case "sequence":
      return [{
        name: "sequence",
        value: view.rows("sequences")?.find(({ sequence }) => sequence === scope),
      }];
    case "autovacuum_lag":
    case "stale_statistics":
    case "freeze_lag":
      return [
        { name: "table", value: view.rows("tables")?.find(({ table }) => table === scope) },
        { name: "under_way", value: view.rows("progress") },
      ];
    case "invalid_index":
      return [{
        name: "indexes",
        value: view.rows("indexes")?.flatMap(({ invalid_name }) => invalid_name ?? []),
      }];
    case "duplicate_index":
      return [{
        name: "indexes",
        value: view.indexes?.all.filter(({ duplicate_of }) => duplicate_of !== null)
          .map(({ name, duplicate_of, bytes }) => ({ name, duplicate_of, bytes })),
      }];
    case "collector_failing": {
      const { refusal } = snapshot.readings[scope as CollectorName] ?? {};
      return [{
        name: "error",
        value: refusal ? { error: refusal.error, at: new Date(refusal.at).toISOString() } : null,
      }];
    }
    case "watching_sheds":
      return [{
        name: "collectors",
        value: Object.entries(snapshot.readings)
          .filter(([, { budget }]) => budget.resting > 0)
          .map(([name, { durationMs }]) => ({ name, cost_ms: durationMs })),
      }];
    default:
      return [];
  }
}
