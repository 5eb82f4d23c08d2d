import type { Change } from "../../../db/history/changes.ts";
import type { Alert } from "../../alerts/alert.ts";
import { checksOf } from "../health/health.ts";
import type { Point } from "../history/recent.ts";
import { blockingTree, type RootBlocker } from "../diagnosis/locks.ts";
import { redactQueries } from "../diagnosis/redact.ts";
import type { Snapshot } from "../snapshot.ts";

export const bytesMax = 1024 * 1024;
const statementsMax = 20;
const rootsMax = 10;

const iso = (ms: number) => new Date(ms).toISOString();

/** The state of everything at one moment, as an incident keeps it. */
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

/** The root blockers of a look; undefined when nobody waits. */
export function rootsOf({ unreachable, view }: Snapshot): RootBlocker[] | undefined {
  const rows = unreachable ? undefined : view.rows("locks");
  return rows && rows.length > 0 ? blockingTree(rows).slice(0, rootsMax) : undefined;
}

export interface Recording {
  id: string;
  openedAt: number;
  from: number;
  until: number;
  alerts: readonly Alert[];
  before: Frame;
  after: Frame | undefined;
  /** Who did what, at the opening and at the close. */
  sessions: readonly { taken_at: string; sessions: unknown[] | null; problem: string | null }[];
  /** Who blocked whom, look by look. */
  blocking: readonly { at: number; roots: RootBlocker[] }[];
  changes: readonly Change[];
  maintenance: unknown[] | null;
  samples: ReadonlyMap<string, readonly Point[]>;
}

/** Points as [seconds after `from`, value], one of every few. */
function samplesIn({ samples, from }: Recording, every: number) {
  return Object.fromEntries(
    [...samples].map(([name, points]) => [
      name,
      points.filter((_, i) => i % every === 0)
        .map(({ ts, value }) => [Math.round((ts - from) / 1000), Number(value.toPrecision(6))]),
    ]),
  );
}

/** The whole incident as one JSON, free of statements' literals and at most a mebibyte. Pure. */
export function reportOf(recording: Recording): { report: Record<string, unknown>; text: string } {
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
    const report = { ...clean, samples_every: every, samples: samplesIn(recording, every) };
    const text = JSON.stringify(report);
    if (new TextEncoder().encode(text).length <= bytesMax) return { report, text };
  }
  // Too much even without samples: the looks go too.
  const least = { ...clean, samples_every: 0, samples: {}, blocking: [], sessions: [] };
  return { report: least, text: JSON.stringify(least) };
}
