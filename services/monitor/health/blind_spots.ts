import type { Snapshot } from "../snapshot.ts";
import type { Check } from "./status.ts";

const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** Returns a check of status unknown for each thing that this role or this server does not show. Pure. */
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
        "Holdfast's role lacks pg_monitor: the sessions and statements of other roles are hidden",
      ),
    ]),
    ...(readings.statements.missing === undefined
      ? []
      : [spot("pg_stat_statements", readings.statements.missing)]),
    ...(textsProblem === undefined ? [] : [
      spot(
        "statement_texts",
        `the server shows no text of any statement: ${textsProblem}; costs are known, and texts only of statements that run now`,
      ),
    ]),
  ];
}

/** Returns a check that names the collectors that did not run because Holdfast's own connection was busy. */
function unaskedCheck(readings: Snapshot["readings"]): Check[] {
  const unasked = Object.entries(readings).filter(([, one]) => one.unasked);
  return unasked.length === 0 ? [] : [{
    name: "collectors_not_asked",
    status: "unknown",
    detail: `Holdfast's own connection was not free in time for ${
      unasked.map(([name]) => name).join(", ")
    }; they run again with the next run of the 30 s tier`,
    observed_at: iso(Math.max(...unasked.map(([, { errorAt }]) => errorAt ?? 0))),
  }];
}

/** Returns a check for each collector that failed, with the server's error, that is paused, or that did not run. Pure. */
export function collectorChecks({ readings, unreachable }: Snapshot): Check[] {
  if (unreachable) return [];
  return Object.entries(readings)
    .filter(([, { error, unasked, budget }]) =>
      error !== undefined && !unasked || budget.resting > 0
    )
    .map(([name, reading]): Check => ({
      name: `collector:${name}`,
      status: "unknown",
      detail: (reading.unasked ? undefined : reading.error) ??
        `paused for ${reading.budget.resting} more run(s): the last one took ${
          Math.round(reading.durationMs ?? 0)
        } ms`,
      observed_at: iso(reading.at),
    }))
    .concat(unaskedCheck(readings));
}
