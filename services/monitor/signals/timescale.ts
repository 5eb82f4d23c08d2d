import type { Signal } from "./signal.ts";

/** Signals of TimescaleDB. Without it there are none: they have a value for each of its jobs. */
export const timescaleSignals: readonly Signal[] = [
  {
    name: "timescale_job_failing",
    unit: "flag",
    collector: "timescale_jobs",
    of: "job",
    about:
      "1 while the last run of a job of TimescaleDB, such as a policy, has failed; unknown while it runs and before its first run. Paused jobs have no value",
    read: ({ rows }) =>
      rows("timescale_jobs")?.filter(({ scheduled }) => scheduled)
        .map(({ job, last_run_status }) => ({
          scope: job,
          value: last_run_status === null ? null : Number(last_run_status === "Failed"),
        })),
  },
];
