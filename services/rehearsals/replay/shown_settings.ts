/**
 * Settings that act on a replayed query only through its plan, and through what EXPLAIN ANALYZE reports of its sorts,
 * hashes, caches and workers.
 */
const shown = [
  /^enable_/,
  /^(seq_page|random_page|cpu_tuple|cpu_index_tuple|cpu_operator|parallel_setup|parallel_tuple)_cost$/,
  /^jit_(above|inline_above|optimize_above)_cost$/,
  /^geqo/,
  /^(from|join)_collapse_limit$/,
  /^min_parallel_(table|index)_scan_size$/,
  /^max_parallel_(workers|workers_per_gather|maintenance_workers)$/,
  /^(effective_cache_size|constraint_exclusion|cursor_tuple_fraction|recursive_worktable_factor)$/,
  /^(default_statistics_target|work_mem|hash_mem_multiplier)$/,
  // Statements of a replay have no temporary tables and build no indexes.
  /^(temp_buffers|maintenance_work_mem)$/,
];

/** Returns whether equal executions in EXPLAIN ANALYZE prove that a setting does nothing for a query. Pure. */
export const isShownByPlans = (name: string): boolean =>
  shown.some((pattern) => pattern.test(name));

/** Settings of commits, checkpoints, background processes and index builds. */
const unseen =
  /^(synchronous_commit|commit_\w+|wal_(?!compression$)\w+|(min|max)_wal_size|checkpoint_\w+|bgwriter_\w+|backend_flush_after|autovacuum\w*|vacuum_\w+|track_cost_delay_timing|maintenance_work_mem|logical_decoding_work_mem|max_parallel_maintenance_workers)$/;

/** Returns whether nothing that a replay does depends on a setting: its effect cannot be measured. Pure. */
export const isUnseen = (name: string): boolean => unseen.test(name);
