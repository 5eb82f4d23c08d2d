import type { DatabaseFailure } from "../../permanence.ts";

/** How far a rewrite is. Phases that end with "ed" need no more work; Holdfast continues the others by itself. */
export type RewritePhase =
  | "copying"
  | "replaying"
  | "verifying"
  | "waiting"
  | "swapped"
  | "undoing"
  | "finishing"
  | "cancelling"
  | "cleaning"
  | "undone"
  | "finished"
  | "cancelled"
  | "failed";

/** What a rewrite ends as when its clean-up is done. */
export type RewriteOutcome = "undone" | "finished" | "cancelled";

/** Why an attempt was given up: an error that would repeat. */
export interface RewriteFailure extends DatabaseFailure {
  /** The phase that failed. */
  phase: RewritePhase;
  /** RFC 3339. */
  at: string;
}

/** All statements that a rewrite still has to send. */
export interface RewriteSpec {
  source: { schema: string; table: string };
  shadow: { schema: string; table: string };
  /** The log of changed keys while rows are copied. */
  log: string;
  columns: string[];
  /** Columns that identify a row. */
  identity: string[];
  /** Makes each write go to both tables. */
  direct: string;
  swap: string[];
  undo: string[];
  finish: string[];
  cancel: string[];
  /** Drops what is left over, after undo, finish, cancel or the swap of a drain. */
  clean: Record<RewriteOutcome, string[]>;
  /** Of the table as it was planned: the swap is refused when the table has changed since. */
  signature: string;
  /** Stored with the swap, deleted with the undo. */
  policy: Record<string, unknown> | null;
  /** Bounds of the leaves that a drain makes, as DDL text: no other leaf is made there meanwhile. */
  ranges?: { from: string; to: string }[];
  failure?: RewriteFailure;
}
