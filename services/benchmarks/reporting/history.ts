import { type ProfileName, profileNames } from "../case.ts";
import { scales, type TargetUnit } from "../categories.ts";
import { findChanges } from "./change_points.ts";
import type { BenchmarkRun, StoredResult } from "../run.ts";
import type { Verdict } from "../statistics.ts";

export interface HistoryPoint {
  run_id: string;
  measured_at: string;
  profile: ProfileName;
  baseline: number | null;
  candidate: number | null;
  improvement: number;
  ci_low: number;
  ci_high: number;
  verdict: Verdict;
}

/** A change of the level of a case's improvement, among the runs of one profile. */
export interface HistoryChange {
  /** The first run of the new level. */
  run_id: string;
  measured_at: string;
  before: number;
  after: number;
  /** Probability of an equally clear change by chance. */
  p: number;
}

export interface CaseHistory {
  case: string;
  target_unit: TargetUnit;
  /** Oldest first. */
  points: HistoryPoint[];
  changes: HistoryChange[];
}

/** Returns the figures of each case over `runs` (newest first), and where their level changed. Pure. */
export function historyOf(
  runs: readonly BenchmarkRun<StoredResult>[],
  ids: readonly string[],
): CaseHistory[] {
  const oldestFirst = runs.filter(({ status }) => status === "completed" || status === "failed")
    .toReversed();
  return ids.map((id) => {
    const measured = oldestFirst.flatMap((run) => {
      const result = run.results.find((one) => one.case === id);
      return result && result.improvement !== null ? [{ run, result }] : [];
    });
    const unit = measured.at(-1)?.result.target_unit ?? "ratio";
    const points = measured.map(({ run, result }): HistoryPoint => ({
      run_id: run.id,
      measured_at: run.finished_at ?? run.started_at,
      profile: run.profile,
      baseline: result.baseline,
      candidate: result.candidate,
      improvement: result.improvement!,
      ci_low: result.ci_low!,
      ci_high: result.ci_high!,
      verdict: result.verdict,
    }));
    const { toLog, fromLog } = scales[unit];
    // Profiles differ in the amount of data, so that another profile alone changes the level.
    const changes = profileNames.flatMap((profile) => {
      const own = points.filter((point) => point.profile === profile);
      return findChanges(own.map(({ improvement }) => toLog(improvement))).map(
        ({ at, before, after, p }) => ({
          run_id: own[at]!.run_id,
          measured_at: own[at]!.measured_at,
          before: fromLog(before),
          after: fromLog(after),
          p,
        }),
      );
    });
    changes.sort((a, b) => Date.parse(a.measured_at) - Date.parse(b.measured_at));
    return { case: id, target_unit: unit, points, changes };
  });
}
