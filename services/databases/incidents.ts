import type { Incidents, IncidentSummary } from "../monitor/incidents/incidents.ts";
import { answerInTime, type DatabaseMember } from "./members.ts";

export type IncidentQuery = Parameters<Incidents["list"]>[0];
export type ListedIncident = IncidentSummary & { database: string };

export interface IncidentPage {
  incidents: ListedIncident[];
  /** False where stored incidents of some database are missing, because it did not answer. */
  complete: boolean;
}

const newestFirst = (a: ListedIncident, b: ListedIncident) =>
  b.opened_at.localeCompare(a.opened_at) || b.id.localeCompare(a.id);

/** Returns the page of one database, and from memory alone where it does not answer in time. Throws nothing. */
async function pageOf(
  { name, services }: DatabaseMember,
  query: IncidentQuery,
): Promise<IncidentPage> {
  if (!services) return { incidents: [], complete: false };
  const { incidents } = services;
  const found = await answerInTime(() => incidents.list(query));
  const rows = found ?? (query.before === undefined ? incidents.recent() : []);
  return {
    incidents: rows.map((one) => ({ ...one, database: name })),
    complete: found !== undefined,
  };
}

/** Returns a page of the incidents of several databases, newest first. A database that does not answer delays it by 4 s at most. */
export async function listIncidentsOf(
  members: readonly DatabaseMember[],
  query: IncidentQuery,
): Promise<IncidentPage> {
  const pages = await Promise.all(members.map((member) => pageOf(member, query)));
  return {
    incidents: pages.flatMap(({ incidents }) => incidents).sort(newestFirst).slice(0, query.limit),
    complete: pages.every(({ complete }) => complete),
  };
}
