import type { Change } from "../../../db/history/changes.ts";
import type { IncidentRow } from "../../../db/history/incidents.ts";
import type { Alert } from "../../alerts/alert.ts";
import { checksOf } from "../health/checks.ts";
import type { Point } from "../history/recent.ts";
import { blockingTree, type RootBlocker } from "../diagnosis/locks.ts";
import { redactQueries } from "../diagnosis/redact.ts";
import type { Snapshot } from "../snapshot.ts";

/** The size limit of a report; bytes. */
const bytesMax = 1024 * 1024;
const statementsMax = 20;
const rootsMax = 10;

const iso = (ms: number) => new Date(ms).toISOString();

/** Returns the state of everything at one moment, as an incident keeps it. Pure. */
export function frameOf(snapshot: Snapshot) {
  const { now, status, metrics, pool, view, readings, unreachable, statements } = snapshot;
  return {
    taken_at: iso(now),
    status,
    checks: checksOf(snapshot),
    connection_pool: pool,
    connections_by_state: unreachable ? null : metrics.connections_by_state,
    statements: statements.report(statementsMax, "recent"),
    settings: readings.settings.value ?? null,
    holders: view.rows("xmin_horizon")?.slice(0, rootsMax) ?? null,
    vacuums: view.rows("progress") ?? null,
  };
}

export type Frame = ReturnType<typeof frameOf>;

/** Returns the root blockers of a snapshot; undefined when nobody waits. Pure. */
export function rootsOf({ unreachable, view }: Snapshot): RootBlocker[] | undefined {
  const rows = unreachable ? undefined : view.rows("locks");
  return rows && rows.length > 0 ? blockingTree(rows).slice(0, rootsMax) : undefined;
}

/** An incident while it is recorded; times in milliseconds since 1970. */
export interface Recording {
  id: string;
  openedAt: number;
  from: number;
  until: number;
  alerts: readonly Alert[];
  before: Frame;
  after: Frame | undefined;
  /** The active sessions at the opening and at the close. */
  sessions: { taken_at: string; sessions: unknown[] | null; problem: string | null }[];
  /** The root blockers of each snapshot. */
  blocking: readonly { at: number; roots: RootBlocker[] }[];
  changes: readonly Change[];
  maintenance: unknown[] | null;
  samples: ReadonlyMap<string, readonly Point[]>;
}

/** Returns the incident as the database lists it. Pure. */
export function rowOf(
  { id, openedAt, until, alerts, after }: Recording,
  bytes: number,
): IncidentRow {
  const [alert] = alerts;
  return {
    id,
    alert_id: alert?.id ?? id,
    alert_type: alert?.alert_type ?? "",
    scope: alert?.scope ?? "",
    opened_at: iso(openedAt),
    closed_at: after ? iso(until) : null,
    bytes,
  };
}

/** Returns every `every`th sample as [seconds after `from`, value]. */
function samplesIn({ samples, from }: Recording, every: number) {
  return Object.fromEntries(
    [...samples].map(([name, points]) => [
      name,
      points.filter((_, i) => i % every === 0)
        .map(({ ts, value }) => [Math.round((ts - from) / 1000), Number(value.toPrecision(6))]),
    ]),
  );
}

/** An incident's report, its JSON, and the JSON's length in bytes. */
export interface IncidentReport {
  report: Record<string, unknown>;
  text: string;
  bytes: number;
}

function serialise(report: Record<string, unknown>): IncidentReport {
  const text = JSON.stringify(report);
  return { report, text, bytes: new TextEncoder().encode(text).length };
}

/** Returns the report of an incident, without the literals of statements and of at most a mebibyte. Pure. */
export function reportOf(recording: Recording): IncidentReport {
  const { id, openedAt, from, until, alerts, before, after, sessions, maintenance } = recording;
  const clean = redactQueries({
    id,
    status: after ? "complete" : "recording",
    opened_at: iso(openedAt),
    from: iso(from),
    to: iso(until),
    alerts,
    before,
    after: after ?? null,
    sessions,
    blocking: recording.blocking.map(({ at, roots }) => ({ at: iso(at), roots })),
    changes: recording.changes.map(({ at, ...change }) => ({ at: iso(at), ...change })),
    maintenance,
  }) as Record<string, unknown>;
  for (let every = 1; every <= 1_024; every *= 2) {
    const samples = samplesIn(recording, every);
    const found = serialise({ ...clean, samples_every: every, samples });
    if (found.bytes <= bytesMax) return found;
  }
  // Too large even with few samples: blockers and sessions are left out too.
  return serialise({ ...clean, samples_every: 0, samples: {}, blocking: [], sessions: [] });
}
