import { failedJobRuns, runJob } from "../../../../db/alerts/cures.ts";
import { defaults, hour, type RuleDefinition } from "../definition.ts";
import { byReading } from "../proof.ts";

const readErrors = (job: number | undefined) => ({
  sql: failedJobRuns(job),
  lock: "none",
  risk: "reads only",
});

/** Rules about TimescaleDB. */
export const timescaleRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "timescale_job_failing",
    title: "A job of TimescaleDB fails",
    metric: "timescale_job_failing",
    unit: "flag",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    cooldown_seconds: hour,
    phrase: "The last run of a job failed",
    cause:
      "A policy or an action of a user ends with an error. Possible causes: a lock that it waited for, a missing privilege of its owner, too few background workers, or an error in its procedure.",
    cure: [readErrors(undefined)],
    cureFor: (view, scope) => {
      const row = view.rows("timescale_jobs")?.find(({ job }) => job === scope);
      return row && [readErrors(row.job_id), {
        sql: runJob(row.job_id),
        lock: "those of the job",
        risk: "does the work of the job in this session",
      }];
    },
    evidence: ({ view }, scope) => [
      { name: "job", value: view.rows("timescale_jobs")?.find(({ job }) => job === scope) },
    ],
    runbook: {
      impact:
        "What the job does is not done: old chunks are not compressed or dropped, so the disk fills, or a continuous aggregate is not refreshed and shows old values.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows:
            "the evidence: the hypertable of the job, its failures, its last success and its next start",
        },
        { read: "GET /api/locks", shows: "who holds a lock that the job waits for" },
      ],
      steps: [
        "Read the error of the last runs in `timescaledb_information.job_errors`, as the owner of the database or of the job; the server's log has it too.",
        "Remove the cause: grant the owner of the job what it lacks, end the session that holds the lock, or correct the procedure.",
        "Run the job by hand. The alert ends at the next reading after a run that succeeds.",
        "If the job is not needed, pause it: `alter_job` with `scheduled => false`.",
      ],
      escalate: "if the disk fills or readers need fresh aggregates before the cause is found.",
    },
    proof: byReading(
      "a job of TimescaleDB that failed",
      "TimescaleDB cannot be installed beside the tests' servers; its views are imitated",
    ),
  },
];
