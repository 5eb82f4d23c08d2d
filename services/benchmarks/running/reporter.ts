import { listRuns, listRunStates } from "../../../db/benchmarks/records.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { endsWithin } from "../../../lib/deadline.ts";
import type { BenchmarkCase } from "../case.ts";
import type { TargetOverrides } from "../categories.ts";
import { type PerformanceReport, reportOf } from "../reporting/categories.ts";
import { storedRunOf } from "./stored.ts";

export interface Reporter {
  report(): Promise<PerformanceReport>;
  refresh(): void;
}

const runsRead = 100;
/** Health must answer within a second whatever the database does; milliseconds. */
const waitMs = 600;

/** Keeps the report of the newest runs. Reads the runs again for each report, but returns the last one after `waitMs`. */
export function createReporter(
  { records, cases, targets }: {
    records: RecordsDb;
    cases: readonly BenchmarkCase[];
    targets: TargetOverrides;
  },
): Reporter {
  let last = reportOf([], cases, targets);
  const shared: RecordsDb = {
    run: (query, options) => records.run(query, { ...options, shared: true }),
  };
  let readState = "";
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    // Runs with their samples are large and intervals cost a bootstrap: read only when a state has changed.
    const states = await listRunStates(shared, runsRead);
    const state = states.map(({ id, status }) => `${id} ${status}`).join();
    if (state === readState) return;
    const rows = await listRuns(shared, { limit: runsRead });
    last = reportOf(rows.map(storedRunOf), cases, targets);
    readState = state;
  }

  function refresh(): Promise<void> {
    reading ??= read().catch(() => {}).finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    async report() {
      await endsWithin(refresh(), waitMs);
      return last;
    },
    refresh: () => void refresh(),
  };
}
