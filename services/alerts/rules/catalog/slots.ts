import { dropSlot } from "../../../../db/alerts/cures.ts";
import type { Snapshot } from "../../../monitor/snapshot.ts";
import type { Cure } from "../../alert.ts";
import { defaults, GiB, hour, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

const proof = onServer(
  "an unused slot retains WAL, is lost, and its alerts end when it is dropped",
);
const lost = { rule: "slot_lost", sameScope: true };

const slotsByUse = {
  sql:
    "select slot_name, slot_type, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as kept from pg_replication_slots order by active, slot_name",
  lock: "none",
};

const keepLess = {
  sql: "alter system set max_slot_wal_keep_size = '50GB'; select pg_reload_conf()",
  lock: "none",
  risk: "a slot that is further behind is lost",
};

const drop = (scope: string, risk: string): Cure[] | undefined =>
  scope === "" ? undefined : [{ sql: dropSlot(scope), lock: "none", risk }];

const slotFacts = ({ view }: Snapshot, scope: string) => [{
  name: "slot",
  value: view.rows("slots")?.find(({ slot }) => slot === scope),
}];

/** Rules about replication slots. */
export const slotRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "slot_inactive",
    title: "A replication slot is not used",
    metric: "slot_inactive_seconds",
    unit: "seconds",
    direction: "above",
    warning: hour / 2,
    critical: 6 * hour,
    clear: 60,
    for_seconds: 0,
    phrase: "Slot not used",
    cause: "No consumer reads from the slot. The server keeps WAL for it until the disk is full.",
    cure: [{
      ...slotsByUse,
      risk:
        "reads only; pg_drop_replication_slot() then drops it, and its consumer cannot continue",
    }],
    cureFor: (_view, scope) =>
      drop(scope, "its consumer cannot continue, and must be set up again"),
    evidence: slotFacts,
    inhibitedBy: lost,
    runbook: {
      impact:
        "The server keeps all WAL for the slot until the disk is full or `max_slot_wal_keep_size` is reached.",
      look: [
        { read: "/replication", shows: "each slot with what it retains" },
        { read: "df -h", shows: "the disk of pg_wal" },
      ],
      steps: [
        "Find the consumer (replica, logical subscriber, change-data capture) and start it again.",
        "If the consumer is gone for good, drop the slot with the statement below.",
      ],
      escalate:
        "before you drop a slot that another team uses: its consumer must be set up again from the beginning.",
    },
    proof,
  },
  {
    ...defaults,
    name: "slot_retained",
    title: "A replication slot retains much WAL",
    metric: "slot_retained_bytes",
    unit: "bytes",
    direction: "above",
    warning: 10 * GiB,
    critical: 50 * GiB,
    clear: 5 * GiB,
    for_seconds: 60,
    phrase: "WAL kept for a slot",
    cause:
      "The consumer of the slot is gone or too slow. Without max_slot_wal_keep_size the WAL may fill the disk.",
    cure: [keepLess],
    evidence: slotFacts,
    inhibitedBy: lost,
    runbook: {
      impact: "WAL fills the disk. A full disk stops all writes.",
      look: [
        { read: "/replication", shows: "each slot with what it retains, and what is still safe" },
        { read: "df -h", shows: "the disk of pg_wal" },
      ],
      steps: [
        "Start the consumer again, or let it catch up.",
        "Set `max_slot_wal_keep_size`, as the statement below does. A slot that is further behind is then lost, and the server lives.",
      ],
      escalate: "if the disk has space for less than two hours.",
    },
    proof,
  },
  {
    ...defaults,
    name: "slot_lost",
    title: "A replication slot is lost",
    metric: "slot_lost",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    phrase: "Slot lost",
    cause: "The server removed WAL that the slot's consumer still needs.",
    cure: [{
      ...slotsByUse,
      risk: "reads only; pg_drop_replication_slot() then drops the lost slot",
    }],
    cureFor: (_view, scope) =>
      drop(scope, "none, because a lost slot cannot be used; set its consumer up again afterwards"),
    evidence: slotFacts,
    runbook: {
      impact:
        "The consumer of the slot cannot continue, and must be set up again from the beginning.",
      look: [
        { read: "/replication", shows: "the slot and its kind" },
      ],
      steps: [
        "Drop the slot with the statement below.",
        "Set the consumer up again: a base backup for a standby, a new initial copy for a logical subscriber.",
      ],
      escalate: "to the team of the consumer, with the time at which it lost its slot.",
    },
    proof,
  },
  {
    ...defaults,
    name: "slot_safe",
    title: "A replication slot is about to be lost",
    metric: "slot_safe_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.3,
    critical: 0.1,
    clear: 0.4,
    for_seconds: 0,
    phrase: "WAL left before the slot is lost",
    cause:
      "The consumer of the slot is gone or too slow, and the slot has nearly reached max_slot_wal_keep_size.",
    cure: [{
      sql: "alter system set max_slot_wal_keep_size = '100GB'; select pg_reload_conf()",
      lock: "none",
      risk: "needs that much disk space",
    }],
    inhibitedBy: lost,
    runbook: {
      impact: "A little more WAL, and the slot is lost. Then its consumer must be set up again.",
      look: [
        { read: "/replication", shows: "what is left before the slot is lost" },
        { read: "df -h", shows: "whether the disk has space for a higher limit" },
      ],
      steps: [
        "Start the consumer again, or let it catch up.",
        "If the disk has space, raise `max_slot_wal_keep_size`, as the statement below does.",
      ],
      escalate: "at the critical level to the team of the consumer.",
    },
    proof,
  },
];
