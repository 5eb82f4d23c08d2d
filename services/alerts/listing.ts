import { isUnreachable } from "../../db/errors.ts";
import type { Alert } from "./alert.ts";
import type { AlertStore } from "./storage/store.ts";

export interface AlertPage {
  alerts: Alert[];
  /** False while the database is away and what has ended was asked for too. */
  complete: boolean;
}

/**
 * A page of alerts, newest first: as stored, but those that are open as they are in memory, with those that fired and are not
 * written yet where the page `wantsOpen`. Pure.
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

/** How long a database that says nothing is waited for, where memory knows what matters most. */
const waitMs = 3_000;

/** Answers null when `work` is not done in time, or the database cannot be reached. */
async function ifThere<T>(work: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), waitMs);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The page that `query` asks for, `open` being what fires; while the database is away, that alone. */
export async function pageOf(
  store: Pick<AlertStore, "list">,
  query: Parameters<AlertStore["list"]>[0],
  open: readonly Alert[],
): Promise<AlertPage> {
  const wantsOpen = !query.before && query.state !== "resolved";
  const stored = await (wantsOpen ? ifThere(store.list(query)) : store.list(query));
  return {
    alerts: listed(stored ?? [], open, { limit: query.limit, wantsOpen }),
    complete: stored !== null || query.state === "firing",
  };
}
