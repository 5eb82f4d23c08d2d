import type { RehearsalRow } from "../../db/rehearsals/records.ts";
import type { ProfileName } from "../benchmarks/case.ts";
import { cursorParts } from "../market/cursor.ts";
import type { Change, Rehearsal } from "./rehearsal.ts";
import { wordsOf } from "./request.ts";

/** A rehearsal that waits to begin. */
export function newRehearsal(
  change: Change,
  { profile, seed, now }: { profile: ProfileName; seed: number; now: Date },
): Rehearsal {
  return {
    id: crypto.randomUUID(),
    status: "queued",
    profile,
    source: change.source,
    change: wordsOf(change),
    recommendation: change.source === "recommendation" ? change.id : null,
    created_at: now.toISOString(),
    finished_at: null,
    step: null,
    seed,
    copy: null,
    verdict: null,
    summary: null,
    coverage: { statements: 0, of: 0, time_share: 0 },
    statements: [],
    uncovered: [],
    cost: null,
    problems: [],
  };
}

/** A rehearsal as it is kept. */
export const rowOf = (rehearsal: Rehearsal): RehearsalRow => ({
  id: rehearsal.id,
  status: rehearsal.status,
  recommendation: rehearsal.recommendation,
  created_at: new Date(rehearsal.created_at),
  finished_at: rehearsal.finished_at === null ? null : new Date(rehearsal.finished_at),
  body: rehearsal,
});

/** What goes out while it runs: how it stands, without the plans. */
export const statusOf = (
  { id, status, step, source, change, verdict, summary, coverage, problems }: Rehearsal,
) => ({ id, status, step, source, change, verdict, summary, coverage, problems });

/** Whether a part of a cursor is a time. */
export function isDate(part: string): boolean {
  return cursorParts.time(part) && !Number.isNaN(Date.parse(part));
}
