import type { Snapshot, Status } from "./snapshot.ts";

export interface Check {
  name: string;
  status: Status;
  detail: string;
  observed_at: string | null;
}

const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** What this role or this server does not let us see: unknown, by name. */
export function blindSpots({ readings, statements, unreachable }: Snapshot): Check[] {
  const server = readings.server.value?.[0];
  if (!server || unreachable) return [];
  const textsProblem = statements.textsProblem();
  const spot = (name: string, detail: string): Check => ({
    name,
    status: "unknown",
    detail,
    observed_at: iso(readings.server.at),
  });
  return [
    ...(server.sees_all_sessions ? [] : [
      spot(
        "pg_monitor",
        "Holdfast's role lacks pg_monitor: what other roles' sessions and statements do is not known",
      ),
    ]),
    ...(readings.statements.missing === undefined
      ? []
      : [spot("pg_stat_statements", readings.statements.missing)]),
    ...(textsProblem === undefined ? [] : [
      spot(
        "statement_texts",
        `the server shows no text of any statement: ${textsProblem}; costs are known, texts only of what runs`,
      ),
    ]),
  ];
}

/** Collectors that fail, each with the server's code and words, or that rest. */
export function collectorChecks({ readings, unreachable }: Snapshot): Check[] {
  return Object.entries(readings)
    .filter(([, { error, purse }]) => (error !== undefined || purse.resting > 0) && !unreachable)
    .map(([name, reading]): Check => ({
      name: `collector:${name}`,
      status: "unknown",
      detail: reading.error ??
        `left out for ${reading.purse.resting} more turn(s): it cost ${
          Math.round(reading.durationMs ?? 0)
        } ms`,
      observed_at: iso(reading.at),
    }));
}
