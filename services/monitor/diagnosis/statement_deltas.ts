import type { StatementRow } from "../../../db/collectors/statements/collectors.ts";

/** What a statement did: its calls and their cost. Times are milliseconds, blocks are of the server's block size. */
export interface StatementWork {
  calls: number;
  total_ms: number;
  rows: number;
  blocks_hit: number;
  blocks_read: number;
  temp_blocks: number;
  wal_bytes: number;
}

/** Per query id; the same statement of several roles, or called by functions too, is one. */
export type WorkById = Map<string, StatementWork>;

const fields = [
  "calls",
  "total_ms",
  "rows",
  "blocks_hit",
  "blocks_read",
  "temp_blocks",
  "wal_bytes",
] as const;

const keyOf = (row: StatementRow) => `${row.query_id}/${row.user_id}/${row.toplevel}`;

function addWork(into: WorkById, id: string, work: StatementWork): void {
  const sum = into.get(id);
  if (!sum) {
    into.set(id, Object.fromEntries(fields.map((name) => [name, work[name]])) as never);
    return;
  }
  for (const name of fields) sum[name] += work[name];
}

/** All that is counted since each entry's start, by query id. */
export function totalWork(rows: readonly StatementRow[]): WorkById {
  const totals: WorkById = new Map();
  for (const row of rows) addWork(totals, row.query_id, row);
  return totals;
}

/**
 * What was done between two readings. An entry made anew (a counter fell, or stats_since moved) counts from zero,
 * never negative; one that was not among the rows before counts only when `complete` says that all were read, for
 * else its past may be long. Pure.
 */
export function workBetween(
  before: readonly StatementRow[],
  after: readonly StatementRow[],
  complete: boolean,
): WorkById {
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const deltas: WorkById = new Map();
  for (const row of after) {
    const old = known.get(keyOf(row));
    if (!old && !complete) continue;
    const anew = !old || old.stats_since !== row.stats_since ||
      fields.some((name) => row[name] < old[name]);
    const work = anew
      ? row
      : Object.fromEntries(fields.map((name) => [name, row[name] - old[name]])) as never;
    if ((work as StatementWork).calls > 0) addWork(deltas, row.query_id, work);
  }
  return deltas;
}

/** Adds up several rounds of work. */
export function sumWork(rounds: readonly WorkById[]): WorkById {
  const sum: WorkById = new Map();
  for (const round of rounds) {
    for (const [id, work] of round) addWork(sum, id, work);
  }
  return sum;
}
