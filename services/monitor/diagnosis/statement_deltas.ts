import {
  type StatementRow,
  type StatementWork,
  workFields,
} from "../../../db/collectors/statements/collectors.ts";

/** Work by query id. The same statement of several roles, or called in functions, is one entry. */
export type WorkById = Map<string, StatementWork>;

const keyOf = (row: StatementRow) => `${row.query_id}/${row.user_id}/${row.toplevel}`;

function addWork(into: WorkById, id: string, work: StatementWork): void {
  const sum = into.get(id);
  if (!sum) {
    into.set(id, Object.fromEntries(workFields.map((name) => [name, work[name]])) as never);
    return;
  }
  for (const name of workFields) sum[name] += work[name];
}

/** Returns the work since the start of each entry, by query id. Pure. */
export function totalWork(rows: readonly StatementRow[]): WorkById {
  const totals: WorkById = new Map();
  for (const row of rows) addWork(totals, row.query_id, row);
  return totals;
}

/**
 * Returns the work between two readings. An entry that was reset (a counter fell, or stats_since changed) counts from zero.
 * An entry that was not in `before` counts only if `before` was `complete`; otherwise its work may be old. Pure.
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
    const isReset = !old || old.stats_since !== row.stats_since ||
      workFields.some((name) => row[name] < old[name]);
    const work = isReset
      ? row
      : Object.fromEntries(workFields.map((name) => [name, row[name] - old[name]])) as never;
    if ((work as StatementWork).calls > 0) addWork(deltas, row.query_id, work);
  }
  return deltas;
}

/** Returns the sum of several rounds of work. Pure. */
export function sumWork(rounds: readonly WorkById[]): WorkById {
  const sum: WorkById = new Map();
  for (const round of rounds) {
    for (const [id, work] of round) addWork(sum, id, work);
  }
  return sum;
}
