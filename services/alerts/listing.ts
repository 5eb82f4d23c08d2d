import { isUnreachable } from "../../db/errors.ts";
import { endsWithin } from "../../lib/deadline.ts";
import type { Alert } from "./alert.ts";
import type { AlertStore } from "./storage/store.ts";

export interface AlertPage {
  alerts: Alert[];
  /** False where resolved alerts are missing because the database is unreachable. */
  complete: boolean;
}

/** Orders alerts: critical ones first, then the newest first. */
export const bySeverity = (a: Alert, b: Alert): number => {
  if (a.severity === b.severity) return b.started_at.localeCompare(a.started_at);
  return a.severity === "critical" ? -1 : 1;
};

/**
 * Returns a page of alerts, newest first: the stored ones, of which the open ones are replaced by those in memory. Where
 * the page `wantsOpen`, alerts that fired and are not saved yet are added. Pure.
 */
function listed(
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

/** How long the database may take to answer where memory has the firing alerts; milliseconds. */
const waitMs = 3_000;

/** Returns what `work` resolves to, or null when it is late or the database is unreachable. */
async function inTime<T>(work: Promise<T>): Promise<T | null> {
  let found: T | null = null;
  try {
    await endsWithin(work.then((value) => found = value), waitMs);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
  }
  return found;
}

/** Returns the page that `query` asks for. `open` are the firing alerts; while the database is unreachable, only these. */
export async function pageOf(
  store: Pick<AlertStore, "list">,
  query: Parameters<AlertStore["list"]>[0],
  open: readonly Alert[],
): Promise<AlertPage> {
  const wantsOpen = !query.before && query.state !== "resolved";
  const stored = await (wantsOpen ? inTime(store.list(query)) : store.list(query));
  return {
    alerts: listed(stored ?? [], open, { limit: query.limit, wantsOpen }),
    complete: stored !== null || query.state === "firing",
  };
}
