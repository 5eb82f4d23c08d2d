import { rollbackPrepared } from "../../../../db/alerts/cures.ts";
import { blockingTree } from "../../../monitor/diagnosis/locks.ts";
import { redactSql } from "../../../monitor/diagnosis/redact.ts";
import type { Snapshot } from "../../../monitor/snapshot.ts";
import { defaults, type RuleDefinition } from "../definition.ts";
import { onServer, onServerBoth } from "../proof.ts";

const queueProof = onServer(
  "blocked sessions, a long wait for a lock, and a long transaction",
);
const preparedProof = onServer(
  "an old prepared transaction, and the xmin horizon that it holds back",
);
const terminate = "reads only; pg_terminate_backend(pid) then ends one and rolls its work back";
const waitingForLocks = {
  sql:
    "select pid, pg_blocking_pids(pid), query from pg_stat_activity where wait_event_type = 'Lock'",
  lock: "none",
  risk: "reads only; pg_cancel_backend(root) then cancels the root's statement",
};

const oldestTransactions = ({ readings }: Snapshot) => [{
  name: "oldest_transactions",
  value: readings.activity.value?.[0]?.oldest_transactions
    .map((one) => ({ ...one, query: redactSql(one.query) })),
}];

const horizonHolders = ({ view }: Snapshot) => [{
  name: "holders",
  value: view.rows("xmin_horizon")?.slice(0, 5),
}];

/** Rules about sessions: long transactions, locks, errors, and old snapshots. */
export const sessionRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "long_transaction",
    title: "A transaction has been open for a long time",
    metric: "longest_transaction_seconds",
    unit: "seconds",
    direction: "above",
    warning: 900,
    critical: 3_600,
    clear: 600,
    for_seconds: 0,
    phrase: "Transaction open for a long time",
    cause: "An open transaction keeps dead rows from being removed, and may hold locks.",
    cure: [{
      sql:
        "select pid, usename, application_name, xact_start, state, query from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start is not null order by xact_start limit 10",
      lock: "none",
      risk: terminate,
    }],
    evidence: oldestTransactions,
    profiles: {
      staging: { warning: 600, critical: 3_600, clear: 300 },
      development: { warning: 1_800, critical: 7_200, clear: 900 },
    },
    proof: queueProof,
  },
  {
    ...defaults,
    name: "idle_in_transaction",
    title: "A session is idle in a transaction",
    metric: "longest_idle_in_transaction_seconds",
    unit: "seconds",
    direction: "above",
    warning: 300,
    critical: 900,
    clear: 60,
    for_seconds: 0,
    phrase: "Session idle in transaction",
    cause:
      "A client began a transaction and does not end it. The transaction keeps its locks and its snapshot.",
    cure: [{
      sql:
        "select pid, usename, application_name, state_change, query from pg_stat_activity where state like 'idle in transaction%' order by state_change",
      lock: "none",
      risk: terminate,
    }],
    evidence: oldestTransactions,
    proof: queueProof,
  },
  {
    ...defaults,
    name: "lock_wait",
    title: "Sessions wait for a lock",
    metric: "longest_lock_wait_seconds",
    unit: "seconds",
    direction: "above",
    warning: 10,
    critical: 60,
    clear: 1,
    for_seconds: 0,
    phrase: "Waiting for a lock",
    cause: "One session holds a lock that others need. The evidence names the root of the queue.",
    cure: [waitingForLocks],
    evidence: ({ readings }) => [{
      name: "blocking_tree",
      value: blockingTree(readings.locks.value ?? []).slice(0, 5),
    }],
    proof: queueProof,
  },
  {
    ...defaults,
    name: "blocked_sessions",
    title: "Many sessions wait for locks",
    metric: "blocked_sessions",
    unit: "count",
    direction: "above",
    warning: 5,
    critical: 50,
    clear: 1,
    for_seconds: 15,
    phrase: "Sessions blocked",
    cause: "A queue formed behind one lock. GET /api/locks names the session at its root.",
    cure: [waitingForLocks],
    inhibitedBy: { rule: "lock_wait", sameScope: false },
    proof: queueProof,
  },
  {
    ...defaults,
    name: "rollbacks",
    title: "Many transactions are rolled back",
    metric: "rollback_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.2,
    critical: 0.6,
    clear: 0.1,
    for_seconds: 120,
    phrase: "Rollbacks high",
    cause: "Statements of clients fail. The server's log names the errors.",
    proof: onServerBoth("transactions that are rolled back"),
  },
  {
    ...defaults,
    name: "deadlocks",
    title: "Transactions deadlock",
    metric: "deadlocks_per_minute",
    unit: "per_minute",
    direction: "above",
    warning: 1,
    critical: 10,
    clear: 0,
    for_seconds: 0,
    phrase: "Deadlocks",
    cause: "Transactions lock the same rows in different orders.",
    proof: onServer("a deadlock of two transactions"),
  },
  {
    ...defaults,
    name: "xmin_horizon",
    title: "An old snapshot keeps dead rows from being removed",
    metric: "xmin_horizon_age",
    unit: "count",
    direction: "above",
    warning: 20_000_000,
    critical: 200_000_000,
    clear: 10_000_000,
    for_seconds: 60,
    phrase: "Oldest snapshot is old, in transactions",
    cause:
      "A session, a standby, a replication slot or a prepared transaction holds the snapshot. The evidence names it.",
    cure: [{
      sql:
        "select pid, backend_xmin, xact_start, query from pg_stat_activity where backend_xmin is not null order by age(backend_xmin) desc",
      lock: "none",
      risk: terminate,
    }],
    evidence: horizonHolders,
    proof: preparedProof,
  },
  {
    ...defaults,
    name: "prepared_transaction",
    title: "A prepared transaction has been open for a long time",
    metric: "oldest_prepared_transaction_seconds",
    unit: "seconds",
    direction: "above",
    warning: 300,
    critical: 3_600,
    clear: 60,
    for_seconds: 0,
    phrase: "Prepared transaction open",
    cause:
      "The transaction was prepared, and neither committed nor rolled back. It keeps its locks even over a restart.",
    cure: [{
      sql: "select gid, prepared, owner, database from pg_prepared_xacts order by prepared",
      lock: "none",
      risk: "reads only; rollback prepared then discards its work, commit prepared keeps it",
    }],
    cureFor: (view) =>
      view.rows("xmin_horizon")?.filter(({ kind }) => kind === "prepared transaction")
        .map(({ name }) => ({
          sql: rollbackPrepared(name),
          lock: "none",
          risk: "discards its work; commit prepared keeps it",
        })),
    evidence: horizonHolders,
    proof: preparedProof,
  },
];
