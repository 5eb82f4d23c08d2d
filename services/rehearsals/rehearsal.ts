import type { ProfileName } from "../benchmarks/case.ts";
import type { PolicyInput } from "../partitions/policy_service.ts";
import type { RehearsalStatus } from "./state.ts";

/** A statement to replay, as a user gives it. */
export interface GivenStatement {
  sql: string;
  /** One set of values for $1, $2 …, or several sets. */
  params?: readonly unknown[] | undefined;
}

/** What is rehearsed. */
export type Change =
  | { source: "sql"; sql: string }
  | { source: "recommendation"; id: string; sql: string }
  | { source: "settings"; settings: Readonly<Record<string, string>> }
  | { source: "policy"; table: string; keyColumn: string; policy: PolicyInput };

export type ChangeSource = Change["source"];

/** Where the data of a rehearsal came from. */
export interface CopyFacts {
  /** `physical`: a restored backup, byte for byte. `sampled`: the schema with a part of the rows. */
  kind: "physical" | "sampled";
  backup: string | null;
  /** The time that the data is of. */
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

/** What the change did to one statement. An improvement is a ratio of throughput: 0.3 is 30 % more in the same time. */
export interface StatementResult {
  query: string;
  query_id: string | null;
  kind: "read" | "write";
  /** Part of all statements' time, 0 to 1. */
  share: number;
  params: ParameterSource;
  /** Sets of parameter values that each run goes through. */
  variants: number;
  /** Median time of one execution. */
  before_ms: number | null;
  after_ms: number | null;
  improvement: number | null;
  ci_low: number | null;
  ci_high: number | null;
  /** The two copies compared before the change: what no difference looks like here. */
  null_ci_low: number | null;
  null_ci_high: number | null;
  verdict: StatementVerdict;
  why: string;
  plan_before: string | null;
  plan_after: string | null;
  plan_changed: boolean;
  plan_difference: string[];
  buffers_before: number | null;
  buffers_after: number | null;
}

export interface Uncovered {
  query: string;
  share: number;
  reason: string;
}

export interface Coverage {
  /** Statements that were replayed, of those that were wanted. */
  statements: number;
  of: number;
  /** Part of all statements' time that the replayed ones stand for, 0 to 1. */
  time_share: number;
}

export interface HeldLock {
  lock: string;
  relation: string;
  held_ms: number;
  /** Who was seen waiting for it: readers, writers. */
  blocked: string[];
}

/** What the change itself cost on the copy. */
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
  /** The tables that were read and written meanwhile. */
  tables: string[];
}

export const rehearsalVerdicts = ["worth_it", "not_worth_it", "harmful", "cannot_tell"] as const;
export type RehearsalVerdict = (typeof rehearsalVerdicts)[number];

/** What a rehearsal found, as it stands beside the piece of advice that was rehearsed. */
export interface AdviceRehearsal {
  id: string;
  finished_at: string;
  verdict: RehearsalVerdict;
  summary: string;
}

/** A rehearsal as everybody sees it. */
export interface Rehearsal {
  id: string;
  status: RehearsalStatus;
  profile: ProfileName;
  source: ChangeSource;
  /** The change in words: its SQL, `name = value` lines, or the table and its policy. */
  change: string;
  recommendation: string | null;
  created_at: string;
  finished_at: string | null;
  /** What it is at just now. */
  step: string | null;
  seed: number;
  copy: CopyFacts | null;
  verdict: RehearsalVerdict | null;
  summary: string | null;
  coverage: Coverage;
  statements: StatementResult[];
  uncovered: Uncovered[];
  cost: ChangeCost | null;
  problems: string[];
}
