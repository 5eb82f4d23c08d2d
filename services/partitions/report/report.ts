import type { HoldRow } from "../../../db/partitions/records/restraint.ts";
import { type Reading, readTable } from "../planning/cover.ts";
import type { TableFacts } from "../planning/facts.ts";
import { unusable } from "../planning/planner.ts";
import { type Policy, tableOf } from "../policy.ts";
import { adviseInterval, type IntervalAdvice } from "./interval_advice.ts";
import {
  type ChildReport,
  childReports,
  countChanged,
  countSealed,
  positionText,
  sealProblems,
} from "./children.ts";
import { coverOf, holesThatMatter, type Position, runwayOf } from "./cover.ts";

/** The last reading of one managed table. */
export interface TableReading {
  facts: TableFacts;
  lastRotationAt: string | null;
  /** Counted up to 1,000; null when the default leaf could not be read. */
  defaultRows: number | null;
  /** The server's code and message when it could not be read. */
  defaultError?: string;
  /** Oldest first, the present one last; empty for keys of time. */
  positions: Position[];
  /** Sizes of detached leaves, by oid. */
  detachedSizes: ReadonlyMap<number, { rows_estimate: number | null; bytes: number }>;
  /** What retention held back in the last rotation. */
  holds: readonly HoldRow[];
  /** shared_buffers, for advice on intervals. */
  cacheBytes?: number;
  /** Publications that send Holdfast's own tables, as text; for its own table of ticks only. */
  ownPublished?: readonly string[];
}

export interface TableReport {
  table: string;
  policy: ReturnType<typeof policyReport> | null;
  partitions: number;
  rows_estimate: number | null;
  bytes: number;
  runway_seconds: number | null;
  holes: { from: string; to: string }[];
  default_rows: number | null;
  /** Leaves whose bound could not be read; for the rules, not for the API. */
  leaves_unknown: number;
  /** The table itself could not be read, so what depends on its leaves is unknown; for the rules, not for the API. */
  unread: boolean;
  /** Steps of retention that are held back, and leaves that could not be proven; for the rules, not for the API. */
  held: number;
  refused: number;
  /** Time until present rows have no partition but a default; for the rules and the rotation, not for the API. */
  cover_seconds: number | null;
  has_default: boolean;
  last_rotation_at: string | null;
  sealed: number;
  /**
   * Number of sealed leaves that differ from what was sealed; null where leaves are not known. For the rules, not for the
   * API.
   */
  sealed_changed: number | null;
  /** For the recommendations, not for the API. */
  own_published: readonly string[];
  /** Why the last drain of the default failed; null: it did not. */
  drain_failure: string | null;
  problems: string[];
  recommendations: IntervalAdvice[];
  children: ChildReport[];
}

/** Returns a policy as the API shows it. */
export function policyReport(policy: Policy) {
  const { schema: _schema, table: _table, windows, sub_interval, ...rest } = policy;
  return {
    table: tableOf(policy),
    ...rest,
    ...(windows === null ? {} : { windows }),
    ...(sub_interval === null ? {} : { sub_interval }),
  };
}

/** Returns a table's report as the API and the live channel show it. */
export function publicReport(
  {
    leaves_unknown: _unknown,
    unread: _unread,
    sealed_changed: _changed,
    cover_seconds: _cover,
    has_default: _default,
    drain_failure: _failure,
    own_published: _published,
    held: _held,
    refused: _refused,
    ...report
  }: TableReport,
) {
  return report;
}

function problemsOf(
  reading: Reading,
  { holes, cover, defaultRows, defaultError }:
    & Pick<
      TableReading,
      "defaultRows" | "defaultError"
    >
    & {
      holes: number;
      cover: number | null;
    },
): string[] {
  const pending = reading.leaves.filter((leaf) => leaf.pending).map(({ name }) => name);
  const { defaultLeaf, unknown } = reading;
  return [
    ...(cover !== null && cover <= 0
      ? [
        defaultLeaf
          ? "no partition but the default takes rows of the present: they fall into it"
          : "no partition takes rows of the present: inserts fail",
      ]
      : []),
    ...(holes > 0
      ? [
        `${holes} hole(s) between partitions: ${
          defaultLeaf ? "such rows go to the default" : "inserts into them fail"
        }`,
      ]
      : []),
    ...(defaultRows !== null && defaultRows > 0 ? ["the default partition holds rows"] : []),
    ...(defaultRows === null
      ? [`the default partition could not be read: ${defaultError ?? "what it holds is unknown"}`]
      : []),
    ...(pending.length > 0 ? [`detach not finished: ${pending.join(", ")}`] : []),
    ...(unknown.length > 0
      ? [
        `locked exclusively, bounds unknown: ${
          unknown.slice(0, 5).map(({ name }) => name).join(", ")
        }`,
      ]
      : []),
  ];
}

function countHolds(holds: readonly HoldRow[]): { held: number; refused: number } {
  const whole = holds.filter(({ kind }) => kind !== "leaf");
  // An untrusted clock counts even when nothing is due.
  const held = whole.reduce((sum, { partitions }) => sum + Math.max(1, partitions), 0);
  return { held, refused: holds.length - whole.length };
}

const drainProblems = ({ drainFailure }: TableFacts): string[] =>
  drainFailure ? [`the default partition could not be drained: ${drainFailure.reason}`] : [];

/** Returns what retention keeps although its policy says otherwise; the first few leaves. */
function holdProblems(holds: readonly HoldRow[]): string[] {
  return holds.slice(0, 5).map(({ kind, reason }) =>
    kind === "leaf" ? reason : `retention is held back: ${reason}`
  );
}

/** The hourly rotation is too late for tables that run out before the next one. */
const soonSeconds = 2 * 3_600;

/** Says whether a managed table has less than two hours left: short intervals, fast ids, or a rotation that failed. */
export function runsOutSoon(tables: readonly TableReport[]): boolean {
  return tables.some(({ policy, cover_seconds }) =>
    policy?.enabled && cover_seconds !== null && cover_seconds < soonSeconds
  );
}

/** Returns the report of a table of which only Holdfast's records and the list of leaves are known. */
function unreadable(
  { facts, lastRotationAt, holds, ownPublished }: TableReading,
  problem: string,
): TableReport {
  return {
    table: tableOf(facts.policy),
    policy: policyReport(facts.policy),
    partitions: facts.leaves.length,
    rows_estimate: null,
    bytes: facts.leaves.reduce((sum, { bytes }) => sum + bytes, 0),
    runway_seconds: null,
    holes: [],
    default_rows: null,
    leaves_unknown: facts.leaves.length,
    unread: true,
    ...countHolds(holds),
    cover_seconds: null,
    has_default: false,
    drain_failure: facts.drainFailure?.reason ?? null,
    own_published: ownPublished ?? [],
    last_rotation_at: lastRotationAt,
    sealed: countSealed(facts),
    sealed_changed: facts.leaves.length === 0 ? null : countChanged(facts),
    problems: [problem, ...drainProblems(facts), ...holdProblems(holds)],
    recommendations: [],
    children: [],
  };
}

/** Reports on a table that TimescaleDB keeps: it has no end and no holes. A policy that is enabled does nothing. */
const reportHypertable = (table: TableReading, problem: string): TableReport => ({
  ...unreadable(table, problem),
  leaves_unknown: 0,
  unread: false,
  default_rows: 0,
  problems: table.facts.policy.enabled ? [`${problem}. Set enabled to false in its policy`] : [],
});

/** Reports on one managed table: cover, runway, holes, remaining problems. Pure. */
export function reportTable(
  table: TableReading,
  nowUs: number,
  horizonDays: number,
): TableReport {
  const { problem, hypertable } = table.facts;
  if (hypertable && problem !== undefined) return reportHypertable(table, problem);
  if (table.facts.problem !== undefined) return unreadable(table, table.facts.problem);
  try {
    return reportReadable(table, nowUs, horizonDays);
  } catch (error) {
    return unreadable(table, unusable(error));
  }
}

function reportReadable(table: TableReading, nowUs: number, horizonDays: number): TableReport {
  const { facts, lastRotationAt, defaultRows, defaultError, positions } = table;
  const reading = readTable(facts, BigInt(Math.round(nowUs)));
  const live = reading.leaves.flatMap(({ read, pending }) =>
    read.kind === "range" && !pending ? [read.span] : []
  );
  const holes = holesThatMatter(reading, live, {
    nowUs,
    horizonDays,
    premake: facts.policy.premake,
  });
  const cover = coverOf(reading, live, nowUs, positions);
  const runway = runwayOf(reading, cover);
  const rows = facts.leaves.map((leaf) => leaf.rows_estimate);
  const text = (position: bigint) => positionText(reading.axis, position) ?? "";
  return {
    table: tableOf(facts.policy),
    policy: policyReport(facts.policy),
    partitions: facts.leaves.length,
    rows_estimate: rows.length > 0 && rows.every((estimate) => estimate === null)
      ? null
      : rows.reduce<number>((sum, estimate) => sum + (estimate ?? 0), 0),
    bytes: facts.leaves.reduce((sum, { bytes }) => sum + bytes, 0),
    runway_seconds: runway === null ? null : Math.round(runway),
    holes: holes.map(({ from, to }) => ({ from: text(from), to: text(to) })),
    // A leaf with an unknown bound may be the default.
    default_rows: !reading.defaultLeaf && reading.unknown.length > 0 ? null : defaultRows,
    leaves_unknown: reading.unknown.length,
    unread: false,
    ...countHolds(table.holds),
    cover_seconds: cover,
    has_default: reading.defaultLeaf !== undefined,
    drain_failure: facts.drainFailure?.reason ?? null,
    own_published: table.ownPublished ?? [],
    last_rotation_at: lastRotationAt,
    sealed: countSealed(facts),
    sealed_changed: countChanged(facts),
    problems: [
      ...problemsOf(reading, { holes: holes.length, cover, defaultRows, defaultError }),
      ...drainProblems(facts),
      ...sealProblems(facts, reading),
      ...holdProblems(table.holds),
    ],
    recommendations: adviseInterval(facts, reading, table.cacheBytes),
    children: childReports(facts, table.detachedSizes, reading),
  };
}
