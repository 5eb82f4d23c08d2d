import type { ConversionFacts } from "../../../db/partitions/table_facts.ts";
import type { Doubt } from "../../../db/partitions/proof/doubts.ts";
import type { ColumnSetting } from "../../../db/partitions/ddl.ts";
import type { Publication } from "../../../db/partitions/publications.ts";
import type { Span } from "../axis/span.ts";
import type { Policy } from "../policy.ts";

/** A leaf as the catalogue has it. */
export interface LeafFacts {
  oid: number;
  schema: string;
  name: string;
  /** As pg_get_expr writes it; null when the leaf was locked. */
  bound: string | null;
  pending: boolean;
  partitioned: boolean;
  /** Partitions of its own, where it is partitioned itself. */
  subs: number;
  rows_estimate: number | null;
  bytes: number;
  /** Storage options and persistence, for new leaves to follow. */
  options: string[];
  unlogged: boolean;
}

/** A foreign key from or to a table, with the table on its other side. */
export interface ForeignKey {
  name: string;
  schema: string;
  table: string;
  /** Column there that holds or refers to this table's partition key; null when the key is not among them. */
  column: string | null;
}

export interface Grant {
  grantee: string;
  privileges: string[];
  grantable: boolean;
  column: string | null;
}

/** What new leaves inherit of a partitioned table, and who may make them. */
export interface ParentFacts {
  oid: number;
  columns: string[];
  keyColumns: string[];
  keyType: string;
  owner: string;
  isOwner: boolean;
  /** Member of the owner: may alter the table. */
  owns: boolean;
  mayCreate: boolean;
  role: string;
  /** Whether the owner can be given what this role makes. */
  ownerMayCreate: boolean;
  gives: boolean;
  defaultGrants: boolean;
  ownerLacks: string[];
  columnSettings: ColumnSetting[];
  extendedStatistics: boolean;
  grants: Grant[];
  replicaIdentity: "d" | "f" | "n" | "i";
  tablespace: string | null;
  accessMethod: string | null;
  rowSecurity: boolean;
  forceRowSecurity: boolean;
  referencedBy: ForeignKey[];
  references: ForeignKey[];
}

/** A table that was a leaf, as Holdfast remembers it. */
export interface DetachedFacts {
  id: string;
  oid: number;
  schema: string;
  name: string;
  bound: string;
  action: string;
  /** RFC 3339; null: the detach was begun, and whether it was finished the catalogue says. */
  detachedAt: string | null;
  archivedAt: string | null;
  /** It went with no more than the usual few, unasked: its drop is not counted again. */
  withinBrake?: boolean;
  /** What stands under that name today. */
  present: { oid: number; attached: boolean } | null;
  references: string[];
  referencedBy: string[];
}

/** A name that a new leaf would need and that is taken. */
export interface TakenName {
  oid: number;
  attached: boolean;
  /** A table with the parent's columns. */
  compatible: boolean;
  /** It is partitioned itself. */
  partitioned: boolean;
  empty: boolean;
}

export interface Blocker {
  constraint: string;
  table: string;
  /** Counted up to 1,000; null: could not be counted. */
  rows: number | null;
  /** What the server said instead. */
  why?: string;
}

/** What is known of a default partition that has rows of ranges a partition could have. */
export interface DrainFacts {
  /** Ranges of the rows, as partitions would have them, oldest first. */
  spans: Span[];
  /** There are more of them than are drained at once. */
  more: boolean;
  /** Ranges left out, for rows in them that a partition would refuse. */
  refused: { span: Span; reason: string }[];
  /** Constraints of the partitioned table that rows of the default may break. */
  doubts: Doubt[];
  /** Of the partitioned table. */
  facts: ConversionFacts;
  signature: string;
  /** Subscriptions of this database that write to the default itself. */
  subscriptions: string[];
  /** Names beside the parent that a drain needs and that are taken. */
  taken: string[];
}

/** A leaf that is sealed, or whose seal was begun. */
export interface SealedFacts {
  /** RFC 3339; null: it refuses writes already, its manifest is not whole yet. */
  sealedAt: string | null;
  /** Somebody opened it again: it is not sealed. */
  ended?: boolean;
  /** RFC 3339; until then retention leaves alone what was brought back from its archive, and nothing opened is sealed. */
  heldUntil: string | null;
  /** What the last verification found wrong. */
  problem: string | null;
}

/** A leaf that is a file now. */
export interface ArchivedFacts {
  schema: string;
  name: string;
  bound: string;
  rows: number;
  bytes: number;
  sealedAt: string | null;
}

/** What of a table its subscribers see. */
export interface PublishedFacts {
  publications: Publication[];
  rowTriggers: number;
}

/** Everything the planner may know of one table. */
export interface TableFacts {
  policy: Policy;
  /** Undefined when the table is not there or cannot be managed; `problem` says why. */
  parent: ParentFacts | undefined;
  problem: string | undefined;
  leaves: LeafFacts[];
  detached: DetachedFacts[];
  taken: ReadonlyMap<string, TakenName>;
  blockers: ReadonlyMap<number, Blocker[]>;
  /** Rows of the default leaf that belong into a span that is to be made, by the span's start; counted to a limit. */
  defaultRows: ReadonlyMap<bigint, number>;
  /** Undefined when there is nothing in a default partition to be drained. */
  drain?: DrainFacts | undefined;
  /** Why a new partition would refuse rows that the default holds, by the start of the span that is to be made. */
  refusedRows?: ReadonlyMap<bigint, string>;
  /** Of the sibling that new leaves are stored like. */
  toastOptions?: readonly string[];
  /** Undefined: it is in no publication. */
  published?: PublishedFacts | undefined;
  /** The last drain was given up for good; it is not begun again while the table is the same (its signature). */
  drainFailure?: { reason: string; at: string; signature: string } | undefined;
  /** How far a drain of this table is that is under way. */
  draining?: string | undefined;
  /** Bounds of the leaves it makes, as DDL has them; undefined where they are not known. */
  drainRanges?: readonly { from: string; to: string }[] | undefined;
  /** Leaves that are sealed or being sealed, by oid; also detached ones. */
  sealed?: ReadonlyMap<number, SealedFacts>;
  /** Leaves, also detached ones, whose rows are not all their own on this node, by oid, with why. */
  odd?: ReadonlyMap<number, string>;
  /**
   * Where the table's newest rows are, when some leaf is to leave: in one that is kept, only in those that leave, in
   * none; unknown when that could not be read in time. Undefined when nothing leaves.
   */
  newest?: "kept" | "leaving" | "none" | "unknown" | undefined;
  /** Leaves that are to leave and have no row, by oid: nothing is lost by them. */
  hollow?: ReadonlySet<number> | undefined;
  /** Leaves that are gone and whose archives are there. */
  archived?: readonly ArchivedFacts[];
  /** Highest id, where the key is id. */
  highestId: bigint | null;
}

/** The clock and the limits a plan is made under. */
export interface PlanContext {
  nowUs: bigint;
  maxPartitions: number;
  /** How far back holes are filled. */
  horizonDays: number;
}
