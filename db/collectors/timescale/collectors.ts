import { collectorOf } from "../collector.ts";
import jobs from "./jobs.sql" with { type: "text" };

export interface TimescaleJobRow {
  taken_at: number;
  job_id: number;
  /** The procedure, with its schema. */
  proc: string;
  /** The procedure and the id: the name of the job. */
  job: string;
  /** The hypertable or continuous aggregate that it is about. */
  table: string | null;
  /** Whether it is to run; false: it is paused. */
  scheduled: boolean;
  /** Null while it runs, and before its first run. */
  last_run_status: "Success" | "Failed" | null;
  last_started_at: number | null;
  last_succeeded_at: number | null;
  next_start_at: number | null;
  runs: number;
  failures: number;
}

/** TimescaleDB: what only it has. Its hypertables are among the tables of the other collectors. */
export const timescaleCollectors = [
  collectorOf<TimescaleJobRow>()({
    name: "timescale_jobs",
    tier: "slow",
    questions: [{ minVersion: 140_000, minTimescale: "2.0", sql: jobs }],
  }),
];
