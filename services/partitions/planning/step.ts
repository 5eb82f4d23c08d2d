import type { TableName } from "../../../db/partitions/ddl.ts";
import type { RewriteSpec } from "../../../db/partitions/rewrite/spec.ts";
import type { KeyKind } from "../axis/key.ts";
import type { Span } from "../axis/span.ts";
import type { Policy } from "../policy.ts";
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

/** One change, done completely or not at all (except for DETACH CONCURRENTLY, which is finalised when interrupted). */
export interface Step {
  action: Action;
  /** `schema.name`. */
  table: string;
  /** The same in its parts: a schema may have a dot in its name. */
  parent: TableName;
  partition: { schema: string; name: string };
  statements: PlannedStatement[];
  reason: string;
  /** Whether it runs in one transaction; a concurrent detach cannot. */
  transaction: boolean;
  /** Whether it takes a lock that writers would queue behind: tried briefly and often, never waited for. */
  heavy: boolean;
  /** Whether it takes its locks on other nodes, too. */
  distributed?: boolean;
  /** Estimate of what it touches; seconds of work, without waits. */
  estimate: { rows: number; bytes: number; seconds: number };
  /** The range that is attached, for attach; the former one, for a leaf that is retired. */
  span?: Span;
  bound?: string;
  oid?: number;
  /** The kind of the table's key, for seal and archive. */
  key?: KeyKind;
  detached?: DetachedFacts;
  retention?: string;
  /** The policy that wants a leaf detached, moved or dropped: the step is left out once another one is in force. */
  policy?: Policy;
  /** It was held back, and an operator confirmed it. */
  confirmed?: boolean;
  /** The statements of a drain: those that begin it, and its later phases. */
  drain?: { begin: readonly string[]; spec: RewriteSpec };
}

/** Why a plan leaves a change out; the rest of the table is planned. */
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
