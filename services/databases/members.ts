import { HoldfastError } from "../../errors.ts";
import { endsWithin } from "../../lib/deadline.ts";
import type { Alert } from "../alerts/alert.ts";
import type { Alerts } from "../alerts/service.ts";
import type { Hub } from "../live/hub.ts";
import type { Incidents } from "../monitor/incidents/incidents.ts";
import type { Monitor } from "../monitor/service.ts";
import type { DatabaseSummary } from "./summary.ts";

/** One database of the process, with what others may ask of its Holdfast. */
export interface DatabaseMember {
  name: string;
  summary(): DatabaseSummary;
  /** Undefined while its Holdfast could not be made. */
  services?: {
    monitor: Pick<Monitor, "snapshot" | "history">;
    alerts: Pick<Alerts, "list" | "firing" | "rules">;
    hub: Pick<Hub, "seq" | "subscribers">;
    incidents: Pick<Incidents, "list" | "get" | "recent">;
  };
}

/** The databases of one process. */
export interface DatabaseMembers {
  /** Whether the process looks after several; it may have found only one so far. */
  several: boolean;
  list(): readonly DatabaseMember[];
}

/** Returns the services of the database `name`. Throws `not_found` with the names there are. */
export function servicesOf(
  members: DatabaseMembers,
  name: string,
): NonNullable<DatabaseMember["services"]> {
  const all = members.list();
  const member = all.find((one) => one.name === name);
  if (!member) {
    const names = all.slice(0, 20).map((one) => one.name).join(", ");
    throw new HoldfastError("not_found", `There is no database ${name}; there are: ${names}`);
  }
  if (!member.services) {
    const [reason = "it is being started"] = member.summary().reasons;
    throw new HoldfastError(
      "database_unavailable",
      `The database ${name} is not ready: ${reason}`,
      {
        retryAfterSeconds: 30,
      },
    );
  }
  return member.services;
}

export type AlertQuery = Parameters<Alerts["list"]>[0];
export type ListedAlert = Alert & { database: string };

export interface AlertPage {
  alerts: ListedAlert[];
  /** False where ended alerts of some database are missing, because it did not answer. */
  complete: boolean;
}

/** How long a database may take to answer before its part comes from memory; milliseconds. */
const answerMs = 4_000;

/** Returns what a database answers; undefined where it does not answer in time, or refuses: one in trouble hides no other. */
export async function answerInTime<T>(ask: () => Promise<T>): Promise<T | undefined> {
  let answer: T | undefined;
  try {
    await endsWithin(ask().then((found) => answer = found), answerMs);
  } catch {
    return undefined;
  }
  return answer;
}

const newestFirst = (a: Alert, b: Alert) =>
  b.started_at.localeCompare(a.started_at) || b.id.localeCompare(a.id);

/** Returns the page of one database, and from memory alone where it does not answer in time. Throws nothing. */
async function pageOf({ name, services }: DatabaseMember, query: AlertQuery): Promise<AlertPage> {
  if (!services) return { alerts: [], complete: false };
  const { alerts } = services;
  const named = (list: readonly Alert[]) => list.map((alert) => ({ ...alert, database: name }));
  const page = await answerInTime(() => alerts.list(query));
  if (page) return { ...page, alerts: named(page.alerts) };
  const fromMemory = query.before === undefined && (query.state ?? "firing") === "firing";
  return { alerts: fromMemory ? named(alerts.firing()) : [], complete: false };
}

/** Returns a page of the alerts of several databases, newest first. A database that does not answer delays it by 4 s at most. */
export async function listAlertsOf(
  members: readonly DatabaseMember[],
  query: AlertQuery,
): Promise<AlertPage> {
  const pages = await Promise.all(members.map((member) => pageOf(member, query)));
  return {
    alerts: pages.flatMap(({ alerts }) => alerts).sort(newestFirst).slice(0, query.limit),
    complete: pages.every(({ complete }) => complete),
  };
}
