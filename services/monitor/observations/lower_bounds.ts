import type { Snapshot } from "../snapshot.ts";

/**
 * Returns lower bounds of metrics where some sessions are hidden from this role: the values of the visible sessions. Empty
 * when no session is hidden or without a fresh reading. Pure.
 */
export function lowerBounds(
  { metrics, readings }: Pick<Snapshot, "metrics" | "readings">,
): Readonly<Record<string, number>> {
  const activity = metrics.connections_used === null ? undefined : readings.activity.value?.[0];
  if (!activity || activity.hidden === 0) return {};
  const waits = (readings.locks.value ?? []).map((row) => row.waited_seconds ?? 0);
  return {
    blocked_sessions: activity.blocked,
    longest_lock_wait_seconds: Math.max(0, ...waits),
    longest_transaction_seconds: activity.longest_transaction_seconds,
    longest_idle_in_transaction_seconds: activity.longest_idle_in_transaction_seconds,
  };
}
