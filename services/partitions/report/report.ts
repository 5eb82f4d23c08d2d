import type { HoldRow } from "../../../db/partitions/restraint.ts";
import { HoldfastError } from "../../../errors.ts";
import { type Reading, readTable } from "../planning/cover.ts";
import type { TableFacts } from "../planning/facts.ts";
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

/** One managed table as it stood when it was read. */
export interface TableReading {
  facts: TableFacts;
  lastRotationAt: string | null;
  /** Counted up to 1,000; null when the default leaf could not be read. */
  defaultRows: number | null;
  /** Why it could not be read: the server's code and words. */
  defaultError?: string;
  /** Oldest first, the present one last; empty for keys of time. */
  positions: Position[];
  /** Sizes of detached leaves, by oid. */
  detachedSizes: ReadonlyMap<number, { rows_estimate: number | null; bytes: number }>;
  /** What retention holds back, as the last rotation found it. */
  holds: readonly HoldRow[];
  /** shared_buffers; advice on intervals rests on it. */
  cacheBytes?: number;
  /** Publications that send Holdfast's own tables, in words; with its own table of ticks. */
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
  /** Time until rows of the present find no partition but a default; for the rules and the rotation, not for the API. */
  cover_seconds: number | null;
  has_default: boolean;
  last_rotation_at: string | null;
  sealed: number;
  /** Sealed leaves that are not what was sealed; null where leaves are not known. For the rules, not for the API. */
  sealed_changed: number | null;
  /** For the recommendations, not for the API. */
  own_published: readonly string[];
  /** Why the last drain of the default was given up; null: it was not. */
  drain_failure: string | null;
  problems: string[];
  recommendations: IntervalAdvice[];
  children: ChildReport[];
}

/** A policy as the API shows it. */
export function policyReport(policy: Policy) {
  const { schema: _schema, table: _table, windows, sub_interval, ...rest } = policy;
  return {
    table: tableOf(policy),
    ...rest,
    ...(windows === null ? {} : { windows }),
    ...(sub_interval === null ? {} : { sub_interval }),
  };
}

/** A table's report as the API and the live channel show it. */
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
  // A clock that is not trusted counts even where nothing is due.
  const held = whole.reduce((sum, { partitions }) => sum + Math.max(1, partitions), 0);
  return { held, refused: holds.length - whole.length };
}

const drainProblems = ({ drainFailure }: TableFacts): string[] =>
  drainFailure ? [`the default partition could not be drained: ${drainFailure.reason}`] : [];

/** What retention does not take away though its policy says so; of many leaves the first few. */
function holdProblems(holds: readonly HoldRow[]): string[] {
  return holds.slice(0, 5).map(({ kind, reason }) =>
    kind === "leaf" ? reason : `retention is held back: ${reason}`
  );
}

/** The hourly rotation comes too late for tables that run out before the one after it. */
const soonSeconds = 2 * 3_600;

/** Whether a managed table has less than two hours left: short intervals, ids that came fast, or a rotation that failed. */
export function runsOutSoon(tables: readonly TableReport[]): boolean {
  return tables.some(({ policy, cover_seconds }) =>
    policy?.enabled && cover_seconds !== null && cover_seconds < soonSeconds
  );
}

/** A table of which only Holdfast's own records and the catalogue's list of its leaves are known. */
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

/** Judges one managed table: cover, runway, holes, leftovers. Pure. */
export function reportTable(
  table: TableReading,
  nowUs: number,
  horizonDays: number,
): TableReport {
  const { facts, lastRotationAt, defaultRows, defaultError, positions } = table;
  if (facts.problem !== undefined) return unreadable(table, facts.problem);
  let reading: Reading;
  try {
    reading = readTable(facts, BigInt(Math.round(nowUs)));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return unreadable(table, error.message);
  }
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
    // A leaf whose bound is not known may be the default.
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
