import type { HoldRow } from "../../../db/partitions/restraint.ts";
import { createAxis } from "../axis/axis.ts";
import { type Policy, tableOf } from "../policy.ts";
import type { ClockVerdict } from "./clocks.ts";
import type { TableFacts } from "./facts.ts";
import type { Refused, Step } from "./step.ts";

/** What takes rows out of a table's or a query's reach; what has been detached half is always finished. */
const removing = new Set<Step["action"]>(["detach", "drop", "move"]);
/** What is decided by the time: sealed too early, a leaf would refuse the rows of the present. */
const timed = new Set<Step["action"]>([...removing, "seal", "archive"]);

/**
 * Longest time in which leaves pile up in the usual way, in milliseconds: a window opens weekly. Longer only while
 * this process ran: that much time has surely passed.
 */
const usualMaxMs = 8 * 86_400_000;

export interface RestraintOptions {
  clocks: ClockVerdict;
  nowMs: number;
  /** Since when leaves may have piled up: the last recorded rotation; undefined for none. */
  sinceMs: number | undefined;
  /** How long this process has run, which no clock makes longer; milliseconds. */
  ranMs?: number;
  /** Share of a table's leaves or rows that a rotation may take away unasked, 0 to 1. With 1 there is no brake, not even on the last. */
  ratio: number;
}

/** What is held back of a plan, and which of its steps. */
export interface Restraint {
  holds: HoldRow[];
  held: ReadonlySet<Step>;
}

const ms = (policy: Policy, nowMs: number): number | undefined => {
  const axis = createAxis(policy);
  const at = axis.atInstant(BigInt(Math.round(nowMs)) * 1_000n);
  if (at === undefined) return undefined;
  const { from, to } = axis.grid.slotOf(at);
  const [start, end] = [axis.instantOf(from), axis.instantOf(to)];
  return start === undefined || end === undefined ? undefined : Number(end - start) / 1_000;
};

/** Leaves that leave at once in the usual way: one or two, and those for which a window had to open first. */
export function usualLeaves(
  policy: Policy,
  { nowMs, sinceMs, ranMs = 0 }: Pick<RestraintOptions, "nowMs" | "sinceMs" | "ranMs">,
): number {
  const slot = ms(policy, nowMs);
  // Of ids, what is made ahead is what may be filled between two rotations.
  if (slot === undefined) return Math.max(2, policy.premake);
  const { windows } = policy;
  const closed = !windows || windows.length === 0
    ? 0
    : windows.some(({ days }) => days !== undefined)
    ? usualMaxMs
    : 86_400_000;
  const passed = sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs);
  const waited = Math.min(Math.max(usualMaxMs, ranMs), Math.max(closed, passed));
  return 1 + Math.max(1, Math.ceil(waited / slot));
}

function describe(steps: readonly Step[]): string {
  const names = steps.slice(0, 3).map(({ action, partition }) => `${action} ${partition.name}`);
  return names.join(", ") + (steps.length > 3 ? ` and ${steps.length - 3} more` : "");
}

/** Why a table's removals go beyond the brake, or undefined. */
function brakeReason(
  facts: TableFacts,
  steps: readonly Step[],
  options: RestraintOptions,
): string | undefined {
  const { ratio } = options;
  const detached = facts.detached.filter(({ present, oid }) => present?.oid === oid).length;
  const all = facts.leaves.length + detached;
  const estimates = new Map(facts.leaves.map((leaf) => [leaf.oid, leaf.rows_estimate ?? 0]));
  const rows = [...estimates.values()].reduce((sum, one) => sum + one, 0);
  const usual = usualLeaves(facts.policy, options);
  for (const actions of [["detach"], ["drop", "move"]]) {
    const leaving = steps.filter(({ action, oid = 0, detached }) =>
      actions.includes(action) && !facts.hollow?.has(oid) && !detached?.withinBrake
    );
    if (leaving.length <= usual) continue;
    const taken = leaving.reduce((sum, { oid }) => sum + (estimates.get(oid ?? 0) ?? 0), 0);
    const share = Math.max(leaving.length / all, rows > 0 ? taken / rows : 0);
    if (share <= ratio) continue;
    return `this would ${actions[0]} ${leaving.length} of ${all} partitions at once, ${
      Math.round(share * 100)
    }% of the table (more than ${Math.round(ratio * 100)}%)`;
  }
  return undefined;
}

/** Why a table's last rows would go, or undefined: nothing else says that the time is right. */
function newestReason(facts: TableFacts): string | undefined {
  return facts.newest === "leaving"
    ? "this would take away the table's newest rows: by the clock none of its rows is to be kept"
    : facts.newest === "unknown"
    ? "whether any row would be left could not be read in time"
    : undefined;
}

/**
 * Finds what a plan may not do unasked: what a clock that is not trusted decided, what goes beyond the brake, and what
 * would take a table's newest rows. Pure.
 */
export function restrain(
  tables: readonly TableFacts[],
  { steps, refused }: { steps: readonly Step[]; refused: readonly (Refused & { table: string })[] },
  options: RestraintOptions,
): Restraint {
  const held = new Set<Step>();
  const holds: HoldRow[] = [];
  for (const facts of tables) {
    const name = tableOf(facts.policy);
    const { schema, table } = facts.policy;
    const hold = (kind: HoldRow["kind"], which: readonly Step[], why: string) => {
      for (const step of which) held.add(step);
      holds.push({
        schema,
        table,
        kind,
        partition: "",
        partitions: which.length,
        reason: `${why}. Held back: ${
          describe(which)
        }. POST /api/partitions/apply with the plan's digest and confirm: true does it all the same`,
      });
    };
    for (const { partition, reason } of refused.filter((one) => one.table === name)) {
      holds.push({ schema, table, kind: "leaf", partition, partitions: 1, reason });
    }
    const mine = steps.filter((step) => step.table === name);
    const byTime = mine.filter(({ action }) => timed.has(action));
    if (!options.clocks.trusted && byTime.length > 0) {
      hold("clock", byTime, options.clocks.reason);
      continue;
    }
    const leaving = mine.filter(({ action }) => removing.has(action));
    if (leaving.length === 0 || options.ratio >= 1) continue;
    const newest = newestReason(facts);
    const brake = brakeReason(facts, leaving, options);
    if (newest !== undefined) hold("newest", leaving, newest);
    else if (brake !== undefined) hold("brake", leaving, brake);
  }
  return { holds, held };
}
