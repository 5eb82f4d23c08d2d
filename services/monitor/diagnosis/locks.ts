import type { CollectorRows } from "../../../db/collectors/list.ts";

type LockRow = CollectorRows["locks"];

export interface BlockedSession {
  pid: number;
  waited_seconds: number | null;
  /** The lock mode, and the table or kind of lock. */
  waits_for: string | null;
  query: string | null;
  user: string | null;
  application: string | null;
  backend_start: string | null;
  blocked: BlockedSession[];
}

export interface RootBlocker {
  pid: number;
  query: string | null;
  state: string | null;
  age_seconds: number | null;
  user: string | null;
  application: string | null;
  backend_start: string | null;
  blocked: BlockedSession[];
}

/** Returns a row for a blocker without a session; pid 0 stands for a prepared transaction. */
function absent(pid: number): LockRow {
  return {
    pid,
    state: pid === 0 ? "prepared transaction" : null,
    query: null,
    user: null,
    application: null,
    backend_start: null,
    age_seconds: null,
    waited_seconds: null,
    wanted_mode: null,
    wanted: null,
    blockers: [],
  };
}

/**
 * Returns the blocking trees: roots are blockers that nobody blocks, and one of each circle that the server has not
 * broken yet (deadlock_timeout). Each waiter appears once, under its first blocker. Pure.
 */
export function blockingTree(rows: readonly LockRow[]): RootBlocker[] {
  const waiters = rows.filter((row) => row.blockers.length > 0);
  const present = new Set(rows.map(({ pid }) => pid));
  const gone = new Set(
    waiters.flatMap(({ blockers }) => blockers.filter((pid) => !present.has(pid))),
  );
  const seen = new Set<number>();
  const under = (pid: number): BlockedSession[] => {
    // Marked before the recursion: a waiter of two blockers must appear only once.
    const children = waiters.filter((row) => row.blockers.includes(pid) && !seen.has(row.pid));
    for (const { pid: child } of children) seen.add(child);
    return children.map((row) => ({
      pid: row.pid,
      waited_seconds: row.waited_seconds,
      waits_for: row.wanted_mode && `${row.wanted_mode} on ${row.wanted}`,
      query: row.query,
      user: row.user,
      application: row.application,
      backend_start: row.backend_start,
      blocked: under(row.pid),
    }));
  };
  const rootOf = (row: LockRow): RootBlocker => ({
    pid: row.pid,
    query: row.query,
    state: row.state,
    age_seconds: row.age_seconds,
    user: row.user,
    application: row.application,
    backend_start: row.backend_start,
    blocked: under(row.pid),
  });
  const roots = rows.filter((row) => row.blockers.length === 0);
  const trees = [...roots, ...[...gone].map(absent)].map(rootOf);
  for (const row of waiters) {
    if (seen.has(row.pid)) continue;
    seen.add(row.pid);
    trees.push(rootOf(row));
  }
  return trees;
}
