import type { CollectorRows } from "../../db/collectors/rows.ts";

type LockRow = CollectorRows["locks"];

export interface BlockedSession {
  pid: number;
  waited_seconds: number | null;
  query: string | null;
  blocked: BlockedSession[];
}

export interface RootBlocker {
  pid: number;
  query: string | null;
  state: string | null;
  age_seconds: number | null;
  blocked: BlockedSession[];
}

/** The blocking tree: roots are blockers that nobody blocks; each waiter stands once, under its first blocker. */
export function blockingTree(rows: readonly LockRow[]): RootBlocker[] {
  const waiters = rows.filter((row) => row.blockers.length > 0);
  const seen = new Set<number>();
  const under = (pid: number): BlockedSession[] => {
    // Claimed before going deeper: a waiter of two blockers must not come up again below.
    const children = waiters.filter((row) => row.blockers.includes(pid) && !seen.has(row.pid));
    for (const { pid: child } of children) seen.add(child);
    return children.map((row) => ({
      pid: row.pid,
      waited_seconds: row.waited_seconds,
      query: row.query,
      blocked: under(row.pid),
    }));
  };
  return rows.filter((row) => row.blockers.length === 0).map((row) => ({
    pid: row.pid,
    query: row.query,
    state: row.state,
    age_seconds: row.age_seconds,
    blocked: under(row.pid),
  }));
}
