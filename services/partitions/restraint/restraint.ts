import type { HoldRow } from "../../../db/partitions/records/restraint.ts";
import type { ProgressRow } from "../../../db/partitions/records/retention_progress.ts";
import { createAxis } from "../axis/axis.ts";
import { type Policy, tableOf } from "../policy.ts";
import { type ClockVerdict, explainedMaxMs, spanText } from "./clocks.ts";
import { expiredLeaves, readTable } from "../planning/cover.ts";
import type { TableFacts } from "../planning/facts.ts";
import type { Refused, Step } from "../planning/step.ts";

/** Actions that remove rows from a table or from queries; interrupted detaches are always finished. */
const removing = new Set<Step["action"]>(["detach", "drop", "move"]);
/** Actions that depend on the time: a leaf sealed too early would refuse present rows. */
const timed = new Set<Step["action"]>([...removing, "seal", "archive"]);

/**
 * Longest usual time between removals, in milliseconds: a window opens at least weekly. A longer time counts only while
 * this process ran, for then it certainly passed.
 */
const usualMaxMs = 8 * 86_400_000;

export interface RestraintOptions {
  clocks: ClockVerdict;
  nowMs: number;
  /** For a table without progress: the last recorded rotation; undefined for none. */
  sinceMs: number | undefined;
  /** For a table without progress: the latest trusted time; undefined for none. */
  peakMs?: number | undefined;
  /** Progress of retention by `schema.table`. */
  progress?: ReadonlyMap<string, ProgressRow>;
  /** Milliseconds that this process has run, by the monotonic clock. */
  ranMs?: number;
  /**
   * Share of a table's leaves or rows that a rotation may remove without a confirmation, 0 to 1. With 1 there is no limit,
   * not even on the last rows.
   */
  ratio: number;
}

/** The holds of a plan, and the steps that they hold back. */
export interface Restraint {
  holds: HoldRow[];
  held: ReadonlySet<Step>;
  /** Progress of retention for each table that could be read, valid if the clock is trusted or confirmed. */
  progress: ProgressRow[];
}

const ms = (policy: Policy, nowMs: number): number | undefined => {
  const axis = createAxis(policy);
  const at = axis.atInstant(BigInt(Math.round(nowMs)) * 1_000n);
  if (at === undefined) return undefined;
  const { from, to } = axis.grid.slotOf(at);
  const [start, end] = [axis.instantOf(from), axis.instantOf(to)];
  return start === undefined || end === undefined ? undefined : Number(end - start) / 1_000;
};

/** Returns how many leaves are usually retired at once: one or two, and those that waited for a window. */
export function usualLeaves(
  policy: Policy,
  { nowMs, sinceMs, ranMs = 0 }: Pick<RestraintOptions, "nowMs" | "sinceMs" | "ranMs">,
): number {
  const slot = ms(policy, nowMs);
  // Between two rotations at most the ids made ahead are filled.
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

/** Scale for the removals of a table. */
interface Scale {
  usual: number;
  all: number;
  rows: number;
  ratio: number;
  estimates: ReadonlyMap<number, number>;
}

function scaleOf(facts: TableFacts, options: RestraintOptions): Scale {
  const { clocks, progress } = options;
  const known = progress?.get(tableOf(facts.policy));
  // After a clock that was ahead, the last rotation is in the future: the one before the jump counts.
  const seen = known && known.seen > options.nowMs ? known.peak : known?.seen;
  const before = seen ?? options.sinceMs;
  // The time that passed before a jump is not known, so it does not raise the limit.
  const evenly = clocks.trusted ? clocks.sinceMs : undefined;
  const sinceMs = evenly === undefined ? before : Math.max(before ?? evenly, evenly);
  const detached = facts.detached.filter(({ present, oid }) => present?.oid === oid).length;
  const estimates = new Map(facts.leaves.map((leaf) => [leaf.oid, leaf.rows_estimate ?? 0]));
  return {
    usual: usualLeaves(facts.policy, { ...options, sinceMs }),
    all: facts.leaves.length + detached,
    rows: [...estimates.values()].reduce((sum, one) => sum + one, 0),
    ratio: options.ratio,
    estimates,
  };
}

/** Returns the share of these leaves in a table, if it is over the limit; else undefined. */
function shareBeyond(
  oids: readonly number[],
  { usual, all, rows, ratio, estimates }: Scale,
): number | undefined {
  if (oids.length <= usual) return undefined;
  const taken = oids.reduce((sum, oid) => sum + (estimates.get(oid) ?? 0), 0);
  const share = Math.max(oids.length / all, rows > 0 ? taken / rows : 0);
  return share > ratio ? share : undefined;
}

/**
 * Returns why a table's removals are over the limit; undefined when they are not. `admitted` leaves are not counted again.
 */
function brakeReason(
  facts: TableFacts,
  steps: readonly Step[],
  scale: Scale,
  admitted: ReadonlySet<number>,
): string | undefined {
  for (const actions of [["detach"], ["drop", "move"]]) {
    const leaving = steps.flatMap(({ action, oid = 0, detached }) =>
      actions.includes(action) && !facts.hollow?.has(oid) && !detached?.withinBrake &&
        !(action === "detach" && admitted.has(oid))
        ? [oid]
        : []
    );
    const share = shareBeyond(leaving, scale);
    if (share === undefined) continue;
    return `this would ${actions[0]} ${leaving.length} of ${scale.all} partitions at once, ${
      Math.round(share * 100)
    }% of the table (more than ${Math.round(scale.ratio * 100)}%)`;
  }
  return undefined;
}

/** Progress of a rotation with one table. */
interface Advance {
  row: ProgressRow;
  /** How far the time is past the last rotation that is not contradicted; undefined: no jump. */
  adrift: number | undefined;
}

/**
 * Returns the progress of retention with a table in this rotation. Leaves that expire in usual numbers are admitted: they
 * may accumulate behind a lock, a foreign key or a window, and are not counted again. After a jump ahead that no rows
 * explain, the table's peak is unchanged while something is due only by the new time. Undefined for a table that cannot be
 * read.
 */
function advance(
  facts: TableFacts,
  steps: readonly Step[],
  scale: Scale,
  { nowMs, progress, peakMs, ranMs = 0, ratio }: RestraintOptions,
): Advance | undefined {
  if (!facts.parent) return undefined;
  const { schema, table, seal, windows } = facts.policy;
  const before = progress?.get(tableOf(facts.policy));
  const known = new Set(before?.admitted);
  const reading = readTable(facts, BigInt(Math.round(nowMs)) * 1_000n);
  const expired = expiredLeaves(facts, reading).map(({ oid }) => oid);
  const isNew = (oid: number) => !known.has(oid) && !facts.hollow?.has(oid);
  const fresh = expired.filter(isNew);
  const peak = before?.peak ?? peakMs ?? nowMs;
  const jumped = ratio < 1 && nowMs - peak > Math.max(explainedMaxMs, ranMs);
  const due = fresh.length > 0 || (seal && windows !== null) ||
    facts.detached.some(({ oid, present, action }) =>
      present?.oid === oid && action !== "detach"
    ) ||
    steps.some(({ action, oid = 0 }) => timed.has(action) && (action !== "detach" || isNew(oid)));
  const adrift = jumped && due;
  const within = !adrift && shareBeyond(fresh, scale) === undefined;
  return {
    row: {
      schema,
      table,
      seen: nowMs,
      peak: adrift ? peak : Math.max(peak, nowMs),
      admitted: within ? expired : expired.filter((oid) => known.has(oid)),
    },
    adrift: adrift ? nowMs - peak : undefined,
  };
}

/** Returns the result of `work`; undefined for an invalid policy, which the plan reports. */
function sound<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Returns a reason when a table's newest rows would be removed: then no rows confirm the time. */
function newestReason(facts: TableFacts): string | undefined {
  return facts.newest === "leaving"
    ? "this would remove the table's newest rows: by the clock none of its rows is kept"
    : facts.newest === "unknown"
    ? "a timeout prevented the check that rows would be left"
    : undefined;
}

/**
 * Returns which steps of a plan need a confirmation: those decided by an untrusted clock, those over the limit, and those
 * that would remove a table's newest rows. Pure.
 */
export function restrain(
  tables: readonly TableFacts[],
  { steps, refused }: { steps: readonly Step[]; refused: readonly (Refused & { table: string })[] },
  options: RestraintOptions,
): Restraint {
  const held = new Set<Step>();
  const holds: HoldRow[] = [];
  const progress: ProgressRow[] = [];
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
        reason: which.length === 0
          ? `${why}. Nothing is due now`
          : `${why}. Held back: ${
            describe(which)
          }. POST /api/partitions/apply with the plan's digest and confirm: true carries it out nevertheless`,
      });
    };
    for (const { partition, reason } of refused.filter((one) => one.table === name)) {
      holds.push({ schema, table, kind: "leaf", partition, partitions: 1, reason });
    }
    const mine = steps.filter((step) => step.table === name);
    const byTime = mine.filter(({ action }) => timed.has(action));
    const scale = facts.parent && sound(() => scaleOf(facts, options));
    const now = scale && sound(() => advance(facts, mine, scale, options));
    if (now) progress.push(now.row);
    if (!options.clocks.trusted) {
      // Reported even when nothing is due, for the clock has to be corrected.
      hold("clock", byTime, options.clocks.reason);
      continue;
    }
    if (now?.adrift !== undefined && byTime.length > 0) {
      hold(
        "brake",
        byTime,
        `the time is ${
          spanText(now.adrift)
        } past the last rotation at a trusted time: what is due may be due only by a wrong clock`,
      );
      continue;
    }
    const leaving = mine.filter(({ action }) => removing.has(action));
    if (leaving.length === 0 || options.ratio >= 1) continue;
    const newest = newestReason(facts);
    const brake = scale
      ? brakeReason(facts, leaving, scale, new Set(now?.row.admitted))
      : "how much of the table this would remove is not known";
    if (newest !== undefined) hold("newest", leaving, newest);
    else if (brake !== undefined) hold("brake", leaving, brake);
  }
  return { holds, held, progress };
}
