import type { ProfileName } from "../benchmarks/case.ts";
import type { PolicyInput } from "../partitions/policy_service.ts";
import type { IndexCandidate } from "./candidates/candidates.ts";
import type { RehearsalStatus } from "./state.ts";

/** The programs of a newer major version. */
export interface NewerPrograms {
  major: number;
  pgCtl: string;
  pgDump: string;
}

/** A statement to replay, as given in a request. */
export interface GivenStatement {
  sql: string;
  /** One set of values for $1, $2 …, or several sets. */
  params?: readonly unknown[] | undefined;
}

/** The change that is rehearsed. */
export type Change =
  | { source: "sql"; sql: string }
  | { source: "recommendation"; id: string; sql: string }
  | { source: "settings"; settings: Readonly<Record<string, string>> }
  | { source: "policy"; table: string; keyColumn: string; policy: PolicyInput }
  /** A newer major version. */
  | { source: "upgrade"; bin: string; programs: NewerPrograms };

export type ChangeSource = Change["source"];

/** The copied data. */
export interface CopyFacts {
  /** `physical`: a restored backup, byte for byte. `sampled`: the schema with a part of the rows. */
  kind: "physical" | "sampled";
  backup: string | null;
  /** The time of the data. */
  taken_at: string;
  server_version: number;
  bytes: number;
  /** Rows copied of all rows, 0 to 1; 1 for a physical copy. */
  sample_share: number;
}

/** Where the values of a statement's parameters came from. */
export const parameterSources = ["none", "given", "observed", "drawn"] as const;
export type ParameterSource = (typeof parameterSources)[number];

export const statementVerdicts = [
  "improved",
  "worse",
  "no_difference",
  "unclear",
  "not_measured",
] as const;
export type StatementVerdict = (typeof statementVerdicts)[number];

/** Effect of the change on one statement. An improvement is relative throughput: 0.3 is 30 % more in the same time. */
export interface StatementResult {
  query: string;
  query_id: string | null;
  kind: "read" | "write";
  /** Share of all statements' time, 0 to 1. */
  share: number;
  params: ParameterSource;
  /** Sets of parameter values in each run. */
  variants: number;
  /** Median time of one execution. */
  before_ms: number | null;
  after_ms: number | null;
  improvement: number | null;
  ci_low: number | null;
  ci_high: number | null;
  /** Interval of the two copies before the change, as the baseline of no difference. */
  null_ci_low: number | null;
  null_ci_high: number | null;
  verdict: StatementVerdict;
  why: string;
  plan_before: string | null;
  plan_after: string | null;
  plan_changed: boolean;
  plan_difference: string[];
  /** Nodes of the plan that needs no values of parameters, without figures; null where there is none. */
  generic_plan: string | null;
  /** What that plan costs by the planner's estimate, in its units; null where there is none. */
  generic_cost: number | null;
  buffers_before: number | null;
  buffers_after: number | null;
}

export interface Uncovered {
  query: string;
  share: number;
  reason: string;
}

export interface Coverage {
  /** Replayed statements, of those selected. */
  statements: number;
  of: number;
  /** Share of all statements' time in the replayed ones, 0 to 1. */
  time_share: number;
}

export interface HeldLock {
  lock: string;
  relation: string;
  held_ms: number;
  /** Which clients waited for it: readers, writers. */
  blocked: string[];
}

/** Cost of making the change on the copy. */
export interface ChangeCost {
  seconds: number;
  locks: HeldLock[];
  worst_stall_ms: number;
  reader_stall_ms: number;
  writer_stall_ms: number;
  bytes: number;
  wal_bytes: number;
  write_improvement: number | null;
  write_ci_low: number | null;
  write_ci_high: number | null;
  /** Tables that were read and written during the change. */
  tables: string[];
}

/** Cost of moving the database to a newer major version, by dump and copy of its rows. */
export interface UpgradeCost {
  from_major: number;
  to_major: number;
  tables: number;
  rows: number;
  /** Of the move in all, without the comparison of rows. */
  seconds: number;
  schema_seconds: number;
  rows_seconds: number;
  /** Of indexes, constraints and triggers. */
  indexes_seconds: number;
  statistics_seconds: number;
  /** Of the comparison of all rows by count and SHA-256. */
  compare_seconds: number;
  bytes_before: number;
  bytes_after: number;
}

export const rehearsalVerdicts = ["worth_it", "not_worth_it", "harmful", "cannot_tell"] as const;
export type RehearsalVerdict = (typeof rehearsalVerdicts)[number];

/** Result of a rehearsal, shown with the recommendation that was rehearsed. */
export interface AdviceRehearsal {
  id: string;
  finished_at: string;
  verdict: RehearsalVerdict;
  summary: string;
}

/** A rehearsal, as stored and as shown. */
export interface Rehearsal {
  id: string;
  status: RehearsalStatus;
  profile: ProfileName;
  source: ChangeSource;
  /** The change as text: its SQL, `name = value` lines, or the table and its policy. */
  change: string;
  recommendation: string | null;
  created_at: string;
  finished_at: string | null;
  /** The current step. */
  step: string | null;
  seed: number;
  copy: CopyFacts | null;
  verdict: RehearsalVerdict | null;
  summary: string | null;
  coverage: Coverage;
  statements: StatementResult[];
  uncovered: Uncovered[];
  cost: ChangeCost | null;
  /** What the move to a newer major version took; null for every other change. */
  upgrade: UpgradeCost | null;
  /** Indexes that the statements lack without the change. */
  candidates: IndexCandidate[];
  problems: string[];
}

/** Returns what is published while it runs: its status and results, without the plans. */
export const statusOf = (
  { id, status, step, source, change, verdict, summary, coverage, problems }: Rehearsal,
) => ({ id, status, step, source, change, verdict, summary, coverage, problems });
