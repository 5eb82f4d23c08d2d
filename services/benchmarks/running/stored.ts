import type { RunRow } from "../../../db/benchmarks/records.ts";
import type { ProfileName } from "../case.ts";
import type { BenchmarkRun, Environment, RunStatus, StoredResult } from "../run.ts";

/** A record as a run; only this service writes records, so their JSON is taken at its word. */
export function storedRunOf(row: RunRow): BenchmarkRun<StoredResult> {
  return {
    id: row.id,
    profile: row.profile as ProfileName,
    status: row.status as RunStatus,
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    seed: row.seed,
    environment: row.environment as Environment,
    // Runs of older versions know neither.
    results: (row.results as StoredResult[]).map((result) => ({
      ...result,
      target_unit: result.target_unit ?? "ratio",
      evidence: result.evidence ?? null,
    })),
    error: row.error,
  };
}
