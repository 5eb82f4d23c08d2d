import { listRuns, listRunStates } from "../../../db/benchmarks/records.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import type { BenchmarkCase } from "../case.ts";
import type { TargetOverrides } from "../categories.ts";
import { type PerformanceReport, reportOf } from "../reporting/categories.ts";
import { storedRunOf } from "./stored.ts";

export interface Reporter {
  report(): Promise<PerformanceReport>;
  refresh(): void;
}

const runsRead = 100;
/** Health must answer within a second whatever the database does. */
const waitMs = 600;

/** Keeps the report of the newest runs, and reads them anew when asked, as long as that is quick. */
export function createReporter(
  { records, cases, targets }: {
    records: RecordsDb;
    cases: readonly BenchmarkCase[];
    targets: TargetOverrides;
  },
): Reporter {
  let last = reportOf([], cases, targets);
  let readState = "";
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    // Runs with all their samples are large, and intervals cost a bootstrap: only when there is something new.
    const states = await listRunStates(records, runsRead);
    const state = states.map(({ id, status }) => `${id} ${status}`).join();
    if (state === readState) return;
    const rows = await listRuns(records, { limit: runsRead });
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
      let timer: ReturnType<typeof setTimeout> | undefined;
      const retries = new Promise<void>((done) => timer = setTimeout(done, waitMs));
      await Promise.race([refresh(), retries]);
      clearTimeout(timer);
      return last;
    },
    refresh: () => void refresh(),
  };
}
