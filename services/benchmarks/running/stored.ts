import type { RunRow } from "../../../db/benchmarks/records.ts";
import type { ProfileName } from "../case.ts";
import type { BenchmarkRun, Environment, RunStatus, StoredResult } from "../run.ts";

/** Returns a record as a run. Only this service writes records, so their JSON is not validated. */
export function storedRunOf(row: RunRow): BenchmarkRun<StoredResult> {
  return {
    id: row.id,
    profile: row.profile as ProfileName,
    status: row.status as RunStatus,
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    seed: row.seed,
    environment: row.environment as Environment,
    // Runs of older versions have neither.
    results: (row.results as StoredResult[]).map((result) => ({
      ...result,
      target_unit: result.target_unit ?? "ratio",
      evidence: result.evidence ?? null,
    })),
    error: row.error,
  };
}
