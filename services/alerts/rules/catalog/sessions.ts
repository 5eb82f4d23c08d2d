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
  risk:
    "reads only; pg_cancel_backend(root) then cancels the root's statement, pg_terminate_backend(root) ends a root that is idle in its transaction",
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
    runbook: {
      impact:
        "Vacuum cannot remove rows that died after the transaction began, so tables and indexes grow. The transaction may also hold locks that stop partitions from being created.",
      look: [
        {
          read: "GET /api/sessions",
          shows: "the session, its application and its present statement",
        },
        { read: "GET /api/locks", shows: "whether it blocks others" },
      ],
      steps: [
        "Ask the owner. A report or a dump may be legitimate: wait, or move it to a standby.",
        "If nobody needs it, cancel the statement with `POST /api/locks/{pid}/cancel`. If the session then stays idle in its transaction, end it with `POST /api/locks/{pid}/terminate`.",
      ],
      escalate:
        "if the transaction belongs to an application that nobody may interrupt, and `xmin_horizon` or `lock_wait` fires too.",
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
    runbook: {
      impact:
        "The session does nothing but keeps its locks and its snapshot. Writers and rotation may wait behind it.",
      look: [
        {
          read: "GET /api/sessions",
          shows: "the session, its application, and since when it is idle",
        },
        { read: "GET /api/locks", shows: "whether it blocks others" },
      ],
      steps: [
        "End it with `POST /api/locks/{pid}/terminate`; its open work is rolled back.",
        "Report the application: it forgets to commit. As a guard, set `idle_in_transaction_session_timeout` for its role.",
      ],
      escalate: "if sessions of the same application return within an hour.",
    },
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
    runbook: {
      impact:
        "Statements stand still behind one session. If the lock is on a table that is written, ingest stops.",
      look: [
        {
          read: "GET /api/locks",
          shows: "the tree of waiting sessions; its root is the session to act on",
        },
        { read: "GET /api/changes", shows: "DDL that ran shortly before" },
      ],
      steps: [
        "Look at the root only: ending a session that waits changes nothing.",
        "Cancel the statement of the root with `POST /api/locks/{pid}/cancel`. If the root is idle in its transaction, use `POST /api/locks/{pid}/terminate`.",
        "If the root is a migration, stop it and run it again with a `lock_timeout` of a few seconds.",
      ],
      escalate:
        "if the root is a prepared transaction or an autovacuum against wraparound, or if the tree grows again after the root has ended.",
    },
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
    runbook: {
      impact:
        "Many statements stand still behind one lock. Each holds a connection, so `connections` may fire next.",
      look: [
        { read: "GET /api/locks", shows: "the root of the tree, and the relation it locks" },
        { read: "GET /api/sessions", shows: "how many connections are left" },
      ],
      steps: [
        "Act on the root, as the runbook of `lock_wait` says.",
      ],
      escalate: "if more than half of the server's connections wait.",
    },
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
    runbook: {
      impact:
        "A large share of the transactions fails, so clients do work that is thrown away. Nothing of it is stored.",
      look: [
        {
          read: "GET /api/queries",
          shows: "statements of the last quarter of an hour; a new one often stands out",
        },
        {
          read: "GET /api/changes",
          shows: "a deployment, a revoked grant or a changed table just before",
        },
      ],
      steps: [
        "Read the server's log: it names each error with its statement.",
        "Typical errors: 23505 (a retry without `on conflict`), 40001 and 40P01 (conflicts that the client must retry), 42501 (a missing grant).",
        "Undo the deployment if it began with one.",
      ],
      escalate:
        "to the team of the application whose statements fail; at once if it writes orders or trades.",
    },
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
    runbook: {
      impact:
        "The server ended one of the two transactions with 40P01. Its work is rolled back; a client that does not retry loses it.",
      look: [
        {
          read: "GET /api/queries",
          shows: "statements that write the same table in different orders",
        },
        { read: "GET /api/changes", shows: "a deployment just before" },
      ],
      steps: [
        "Read the server's log: it has both statements of each deadlock.",
        "Let both transactions lock rows in the same order, for example sorted by key. Until then, let the clients retry 40P01.",
      ],
      escalate: "to the team of the application; at once if deadlocks come every few seconds.",
    },
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
    runbook: {
      impact:
        "Vacuum removes nothing that died since this snapshot. Tables and indexes grow, and queries become slower from hour to hour.",
      look: [
        { read: "GET /api/sessions", shows: "the oldest transactions" },
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence names what holds the snapshot",
        },
      ],
      steps: [
        "The evidence says who holds the snapshot. A session: end it. A prepared transaction: see `prepared_transaction`. A slot: see `slot_inactive`. A standby with `hot_standby_feedback`: end its long query.",
        "Then run `vacuum (analyze)` on the tables that grew most.",
      ],
      escalate: "if the holder is a replication slot or a standby of another team.",
    },
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
    runbook: {
      impact:
        "It holds its locks and its snapshot until somebody ends it, over restarts too. The transaction manager that made it is probably gone.",
      look: [
        { read: "GET /api/alerts?state=firing", shows: "the evidence has the name and the age" },
        { read: "GET /api/locks", shows: "who waits for it" },
      ],
      steps: [
        "Ask the transaction manager (XA, or the application server) for the outcome of this name. If it was decided to commit, run `commit prepared`, otherwise `rollback prepared`, as its owner and in its database.",
        "If nothing uses two-phase commit, set `max_prepared_transactions = 0` at the next restart.",
      ],
      escalate:
        "before you end it if its outcome is unknown: a wrong decision makes two systems disagree.",
    },
    proof: preparedProof,
  },
];
