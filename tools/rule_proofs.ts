/** Tests that hold one rule: its condition provoked fires it, and a condition near it does not. */
export interface Proof {
  /** Name of the test, and its file in tests/. */
  fires: { test: string; file: string };
  silent: { test: string; file: string };
  /** Why the condition is not provoked on a real server; absent where it is. */
  reading?: string;
}

const rules = "alerts/rules_test.ts";
const alerts = "alerts/alerts_test.ts";
const readings = "alerts/readings_test.ts";
const replication = "monitor/replication_test.ts";

/** Every one of these is seen, and none fires. */
const near = { test: "what is nearly bad fires nothing", file: rules };
const well = { test: "one that has all is not behind, and fires nothing", file: replication };

const real = (test: string, file = rules, silent = near): Proof => ({
  fires: { test, file },
  silent,
});

/** One test that has both, by the reading alone. */
const reading = (test: string, why: string): Proof => ({
  fires: { test, file: readings },
  silent: { test, file: readings },
  reading: why,
});

const ids = "ids near their wraparound";
const slot = "a slot nobody uses keeps WAL, is lost, and its alerts end when it is dropped";
const vacuum = "a table that autovacuum and analyze do not get to, and one too old";
const queue = "sessions that wait in a queue, a wait too long, and a transaction open for long";
const pool = "a pool with nothing left fires at its shipped level, and so does the wait for it";
const prepared = "a forgotten prepared transaction, and the horizon it holds";
const space = "space that a rewrite would give back, and much WAL";
const misses = "reads that miss memory, of tables and of indexes";
const canary = "a commit that takes long, and one that does not come through";
const partitions = "a gap between partitions, and rows in a default partition";
const heldBack =
  "retention that is held back, and a partition that can be neither archived nor dropped";
const late = "a default partition that takes rows of the present, and one that cannot be drained";
const backup = "backups that are old, unproven or damaged, and WAL that waits for its archive";
const copy = "backups and WAL that are not copied for long";
const cost = "watching that costs much, and collectors that rest";
const refused =
  "an error of one collector is that collector's alone, whichever it is and whatever the error";
const gone = "one that is gone has not caught up, and is missed until it is back";
const paused = "with its replay paused it falls behind, and that fires on its name";

/** Proofs of every shipped rule, by name; a test holds that none is missing and that the tests are there. */
export const proofs: Record<string, Proof> = {
  database_down: real(
    "an outage is told from memory, said once in the log, and kept when it is over",
    "alerts/delivery_test.ts",
  ),
  connection_pool: real(pool, alerts),
  pool_wait: real(pool, alerts),
  connections: real("connections nearly used up"),
  long_transaction: real(queue),
  idle_in_transaction: real(queue),
  lock_wait: real(queue),
  blocked_sessions: real(queue),
  cache_hit_ratio: real(misses, rules, { test: misses, file: rules }),
  index_hit_ratio: real(misses),
  rollbacks: real("transactions that are rolled back", rules, {
    test: "transactions that are rolled back",
    file: rules,
  }),
  deadlocks: real("two transactions that wait for each other"),
  wraparound: real(ids),
  wraparound_soon: real(ids),
  multixact_wraparound: real(ids),
  checksum_failures: real("a page whose checksum is wrong"),
  partition_runway: real(
    "with rotation off and time going by, the alert fires days before inserts fail, and its statements cure it",
    "partitions/routes_test.ts",
  ),
  partition_holes: real(partitions),
  default_rows: real(partitions),
  retention_held: real(heldBack),
  partition_refused: real(heldBack),
  clock_skew: real(
    "a clock of ours years off is seen, told and held against nobody",
    "partitions/clock_jumps_test.ts",
  ),
  partition_cover: real(late, rules, { test: late, file: rules }),
  drain_failed: real(late),
  xmin_horizon: real(prepared),
  prepared_transaction: real(prepared),
  archiver: real("WAL that does not reach its archive"),
  checkpoints_forced: real("checkpoints forced one after the other"),
  pending_restart: real("a setting that waits for a restart"),
  replication_lag: real(paused, replication, well),
  replication_delay: real(paused, replication, well),
  standby_missing: real(gone, replication, well),
  standby_delay: real(paused, replication, well),
  standby_paused: real(paused, replication, well),
  standby_cut: real("one whose link to its primary is cut says so itself", replication, well),
  slot_inactive: real(slot),
  slot_retained: real(slot),
  slot_lost: real(slot),
  slot_safe: real(slot),
  sequence: real("a sequence near the end of its column"),
  sequence_soon: real("a sequence near the end of its column"),
  invalid_index: real("indexes invalid and doubled"),
  duplicate_index: real("indexes invalid and doubled"),
  missing_index: real("a foreign key without an index"),
  unused_index: reading(
    "indexes that nobody reads",
    "an index counts as unused only after a week",
  ),
  bloat: real(space),
  wal_rate: real(space),
  autovacuum_lag: real(vacuum),
  stale_statistics: real(vacuum),
  freeze_lag: real(vacuum),
  temp_files: real("sorts on disk"),
  event_loop_lag: reading(
    "an event loop that is held for seconds",
    "holding the loop of a test process would fail the tests beside it",
  ),
  watching_sheds: reading(cost, "a collector rests only after two turns that were dear"),
  watching_cost: reading(cost, "it takes a server too slow to be tested on"),
  collector_failing: real(refused, "monitor/collector_failures_test.ts", {
    test: refused,
    file: "monitor/collector_failures_test.ts",
  }),
  write_slow: real(canary),
  write_failing: real(canary),
  disk_full: reading("uploads that a full disk refuses", "no disk is filled for it"),
  statement_regression: reading(
    "statements that got dearer",
    "what is usual takes hours to be learnt; tests/monitor/regressions_test.ts holds how",
  ),
  feed_stale: real("a feed that went quiet", rules, {
    test: "a feed that went quiet",
    file: rules,
  }),
  sealed_partitions_changed: real(
    "verify says what it read, and names what differs; health tells it too",
    "partitions/proof_routes_test.ts",
    {
      test:
        "the alert is resolved by a verification that finds the partition as it was sealed, and by no other",
      file: "partitions/proof_routes_test.ts",
    },
  ),
  backup_age: reading(backup, "ages are given"),
  backup_unproven: reading(backup, "ages are given"),
  backup_problems: reading(backup, "a count is given"),
  archive_lag: reading(backup, "a lag is given"),
  backup_copy_age: reading(copy, "ages are given"),
  backup_copy_lag: reading(copy, "a lag is given"),
};
