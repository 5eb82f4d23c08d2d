import { HoldfastError } from "../../errors.ts";
import type { BenchmarkCase } from "./case.ts";
import {
  type Category,
  targetOf,
  type TargetOverrides,
  type TargetUnit,
  targetUnitOf,
} from "./categories.ts";

/** A case in the list of cases. */
export interface CaseInfo {
  id: string;
  category: Category;
  title: string;
  unit: string;
  target: number;
  target_unit: TargetUnit;
  /** Whether it counts towards its category's verdict. */
  counts: boolean;
  /** Names of the two arms. */
  baseline: string;
  candidate: string;
}

export function caseInfo(bench: BenchmarkCase, targets: TargetOverrides): CaseInfo {
  const { id, category, title, unit, counts, arms } = bench;
  return {
    id,
    category,
    title,
    unit,
    counts,
    target: targetOf(category, targets, bench.target),
    target_unit: targetUnitOf(category),
    baseline: arms.baseline.name,
    candidate: arms.candidate.name,
  };
}

/** Returns the cases with these ids in the order of the list; all for undefined. Throws `invalid_request`. */
export function selectCases(
  cases: readonly BenchmarkCase[],
  ids: readonly string[] | undefined,
): readonly BenchmarkCase[] {
  if (ids === undefined) return cases;
  if (ids.length === 0) {
    throw new HoldfastError("invalid_request", "No benchmark case is named", {
      problems: [{ path: "cases", message: "must name at least one case, or be left out" }],
    });
  }
  const known = new Set(cases.map(({ id }) => id));
  const problems = ids.flatMap((id, at) =>
    known.has(id) ? [] : [{ path: `cases.${at}`, message: "is not a case; see /api/benchmarks" }]
  ).slice(0, 20);
  if (problems.length > 0) {
    throw new HoldfastError("invalid_request", "Some benchmark cases do not exist", { problems });
  }
  return cases.filter(({ id }) => ids.includes(id));
}
