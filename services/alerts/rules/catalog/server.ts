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
    proof: onServer("a clock of Holdfast that is years off fires an alert and removes no data", {
      file: "partitions/clock_jumps_test.ts",
    }),
  },
];
