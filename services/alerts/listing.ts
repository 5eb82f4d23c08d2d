import type { Alert } from "./alert.ts";

/**
 * A page of alerts, newest first: as stored, but those that are open as they are in memory, with those that fired and are not
 * written yet where the page `wantsOpen`. Pure.
 */
export function listed(
  stored: readonly Alert[],
  open: readonly Alert[],
  { limit, wantsOpen }: { limit: number; wantsOpen: boolean },
): Alert[] {
  const present = new Map(open.map((alert) => [alert.id, alert]));
  const written = new Set(stored.map(({ id }) => id));
  return [
    ...(wantsOpen ? open.filter(({ id }) => !written.has(id)) : []),
    ...stored.map((alert) => present.get(alert.id) ?? alert),
  ].sort((a, b) => b.started_at.localeCompare(a.started_at) || b.id.localeCompare(a.id))
    .slice(0, limit);
}
