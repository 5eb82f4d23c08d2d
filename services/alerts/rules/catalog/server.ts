import { widenColumn } from "../../../../db/alerts/cures.ts";
import type { View } from "../../../monitor/signals/signal.ts";
import type { Cure } from "../../alert.ts";
import { day, defaults, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

const sequenceProof = onServer("a sequence near the end of its column");

const fullestSequences = {
  sql:
    "select schemaname, sequencename, last_value, max_value from pg_sequences where last_value is not null order by last_value::numeric / max_value desc limit 10",
  lock: "none",
  risk: "reads only; alter table … alter column … type bigint then rewrites the table",
};

function widen(view: View, scope: string): Cure[] | undefined {
  const column = view.rows("sequences")?.find(({ sequence }) => sequence === scope)?.column;
  const sql = widenColumn(column);
  return sql === undefined ? undefined : [{
    sql,
    lock: "ACCESS EXCLUSIVE",
    risk: "rewrites the table; for a large one, fill a new column and swap the two",
  }];
}

/** Rules about the server as a whole: sequences, checksums, settings and clocks. */
export const serverRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "sequence",
    title: "A sequence runs out",
    metric: "sequence_used_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.85,
    critical: 0.95,
    clear: 0.8,
    for_seconds: 0,
    phrase: "Sequence used up",
    cause:
      "The sequence is close to its last value, or to the largest value of its column. After that, inserts fail.",
    cure: [fullestSequences],
    cureFor: widen,
    evidence: ({ view }, scope) => [{
      name: "sequence",
      value: view.rows("sequences")?.find(({ sequence }) => sequence === scope),
    }],
    runbook: {
      impact:
        "After the last value, every insert that uses the sequence fails with 2200H, or with 22003 if the column is too small.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the sequence, how much of it is used, and its column",
        },
      ],
      steps: [
        "If only the maximum of the sequence is low, raise it: `alter sequence … maxvalue`.",
        "If the column is an integer, it must become bigint. The statement below rewrites the table under an exclusive lock; for a large table, fill a new column and swap the two.",
      ],
      escalate:
        "at the critical level to the owner of the table: the change needs a maintenance window.",
    },
    proof: sequenceProof,
  },
  {
    ...defaults,
    name: "sequence_soon",
    title: "At the present rate a sequence runs out soon",
    metric: "sequence_left_seconds",
    unit: "seconds",
    direction: "below",
    warning: 30 * day,
    critical: 7 * day,
    clear: 45 * day,
    for_seconds: 900,
    phrase: "Time until the sequence ends",
    cause: "Inserts use the sequence up. After its last value, inserts fail.",
    cure: [fullestSequences],
    cureFor: widen,
    runbook: {
      impact: "At this rate the sequence ends soon. See `sequence` for what happens then.",
      look: [
        { read: "/storage", shows: "the sequence, and how long it lasts" },
      ],
      steps: [
        "Plan the change that the runbook of `sequence` describes, before the date in the alert.",
      ],
      escalate: "at the critical level to the owner of the table.",
    },
    proof: sequenceProof,
  },
  {
    ...defaults,
    name: "checksum_failures",
    title: "Pages failed their checksum",
    metric: "checksum_failures",
    unit: "count",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    phrase: "Checksum failures",
    cause:
      "The storage returned other bytes than the server wrote. Restore from a backup that a drill has proven.",
    runbook: {
      impact:
        "The storage returned a page that differs from what was written. Rows may be lost, and a query may return wrong data.",
      look: [
        {
          read: "GET /api/health/database",
          shows: "the number of failures, and the state of the backups",
        },
        { read: "GET /api/backups", shows: "the newest backup that a drill has proven" },
      ],
      steps: [
        "Do not delete anything, and do not set `zero_damaged_pages`.",
        "Take a copy of the data directory if the server is stopped. Read the server's log for the file and block.",
        "Check the rest: `POST /api/partitions/verify`, and `deno task backup --verify ID` for the newest backup.",
        "Move to other storage: restore the newest proven backup with `deno task restore --to DIR`.",
      ],
      escalate: "at once, to the owner of the data and to whoever runs the storage.",
    },
    proof: onServer("a page with a wrong checksum"),
  },
  {
    ...defaults,
    name: "pending_restart",
    title: "Settings wait for a restart",
    metric: "pending_restart_settings",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 3_600,
    phrase: "Settings wait for a restart",
    cause: "Settings were changed, and the server still runs with the old values.",
    cure: [{
      sql: "select name, setting from pg_settings where pending_restart",
      lock: "none",
      risk: "reads only",
    }],
    evidence: ({ view }) => [{
      name: "settings",
      value: view.rows("settings")?.filter((row) => row.pending_restart).map(({ name }) => name),
    }],
    runbook: {
      impact:
        "The server runs with other values than its configuration says. A restart at a bad moment would bring them into force.",
      look: [
        { read: "GET /api/alerts?state=firing", shows: "the evidence names the settings" },
        { read: "GET /api/changes", shows: "who changed them, and when" },
      ],
      steps: [
        "Restart the server in a maintenance window, or set the value back.",
      ],
      escalate: "not needed.",
    },
    proof: onServer("a setting that waits for a restart"),
  },
  {
    ...defaults,
    name: "clock_skew",
    title: "Holdfast's clock and the server's clock differ",
    metric: "clock_skew_seconds",
    unit: "seconds",
    direction: "above",
    warning: 10,
    critical: 60,
    clear: 5,
    for_seconds: 30,
    phrase: "Clocks differ",
    cause:
      "One of the two machines has no working NTP. Holdfast's clock decides whether a tick is too old or too new, so all ticks may be quarantined. From one minute on, retention is held back.",
    cure: [{
      sql: "select clock_timestamp()",
      lock: "none",
      risk: "reads only; compare it with date -u on Holdfast's machine",
    }],
    runbook: {
      impact:
        "Ticks are judged by Holdfast's clock: with a wrong one they are quarantined as too old or too new. Retention is held back, so nothing is dropped.",
      look: [
        { read: "date -u", shows: "on both machines; compare with a third one" },
        { read: "GET /api/quarantine", shows: "rows refused as too old or too new" },
      ],
      steps: [
        "Repair NTP on the machine whose clock is wrong (`timedatectl`, `chronyc tracking`).",
        "When the clocks agree, retry the quarantined rows: `POST /api/quarantine/retry`.",
      ],
      escalate:
        "if both clocks agree with the third and the alert still fires: something steps the clock.",
    },
    proof: onServer("a clock of Holdfast that is years off fires an alert and removes no data", {
      file: "partitions/clock_jumps_test.ts",
    }),
  },
];
