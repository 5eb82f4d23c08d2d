import type { RewriteSpec } from "../../../db/partitions/rewrite/rewrites.ts";
import type { KeyKind } from "../axis/key.ts";
import type { Span } from "../axis/span.ts";
import type { DetachedFacts } from "./facts.ts";

export type Action =
  | "finalize"
  | "attach"
  | "drain"
  | "detach"
  | "seal"
  | "archive"
  | "move"
  | "drop";

export interface PlannedStatement {
  sql: string;
  /** The strongest locks it takes, and on what. */
  lock: string;
}

/** One change, done wholly or not at all (but for DETACH CONCURRENTLY, which is finalised when cut short). */
export interface Step {
  action: Action;
  table: string;
  partition: { schema: string; name: string };
  statements: PlannedStatement[];
  reason: string;
  /** In one transaction; a detach that goes concurrently cannot be in any. */
  transaction: boolean;
  /** Takes a lock that writers would queue behind: tried briefly and often, never waited for. */
  heavy: boolean;
  /** What it touches, by estimate; seconds are of work, waits not counted. */
  estimate: { rows: number; bytes: number; seconds: number };
  /** What is attached, for attach; what it was, for a leaf that goes. */
  span?: Span;
  bound?: string;
  oid?: number;
  /** The kind of the table's key, for seal and archive. */
  key?: KeyKind;
  detached?: DetachedFacts;
  retention?: string;
  /** It was held back, and a person confirmed it. */
  confirmed?: boolean;
  /** Of a drain: what begins it, and all that comes after. */
  drain?: { begin: readonly string[]; spec: RewriteSpec };
}

/** What a plan found in the way of a change; the table goes on without it. */
export interface Skipped {
  table: string;
  reason: string;
}

/** A leaf that is neither sealed, archived nor dropped, because its rows cannot be read and counted here. */
export interface Refused {
  partition: string;
  reason: string;
}

export interface TablePlan {
  steps: Step[];
  skipped: Skipped[];
  warnings: string[];
  refused?: Refused[];
}
