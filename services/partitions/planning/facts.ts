import type { ConversionFacts } from "../../../db/partitions/catalogue/table_facts.ts";
import type { Doubt } from "../../../db/partitions/proof/doubts.ts";
import type { ColumnSetting } from "../../../db/partitions/ddl.ts";
import type { Publication } from "../../../db/partitions/catalogue/publications.ts";
import type { Span } from "../axis/span.ts";
import type { Policy } from "../policy.ts";

/** A leaf in the catalogue. */
export interface LeafFacts {
  oid: number;
  schema: string;
  name: string;
  /** As pg_get_expr writes it; null when the leaf was locked. */
  bound: string | null;
  pending: boolean;
  partitioned: boolean;
  /** Number of its partitions, where it is partitioned itself. */
  subs: number;
  rows_estimate: number | null;
  bytes: number;
  /** Storage options and persistence, which new leaves copy. */
  options: string[];
  unlogged: boolean;
}

/** A foreign key from or to a table, with the other table. */
export interface ForeignKey {
  name: string;
  schema: string;
  table: string;
  /** Column of the other table that refers to this table's partition key; null when the key has none. */
  column: string | null;
}

export interface Grant {
  grantee: string;
  privileges: string[];
  grantable: boolean;
  column: string | null;
}

/** What new leaves copy from a partitioned table, and who may create them. */
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
  /** Whether this role may give tables to the owner. */
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
  /** Whether Citus distributes it, and with it its partitions. */
  distributed?: boolean;
  referencedBy: ForeignKey[];
  references: ForeignKey[];
}

/** A table that was a leaf, as recorded by Holdfast. */
export interface DetachedFacts {
  id: string;
  oid: number;
  schema: string;
  name: string;
  bound: string;
  action: string;
  /** RFC 3339; null: the detach was begun; the catalogue shows whether it was finished. */
  detachedAt: string | null;
  archivedAt: string | null;
  /** It was detached without a confirmation, among the usual number: its drop is not counted again. */
  withinBrake?: boolean;
  /** The table that has this name now. */
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
  /** The server's error. */
  why?: string;
}

/** A default partition with rows of ranges that a partition could have. */
export interface DrainFacts {
  /** Ranges of the rows, as partitions would have them, oldest first. */
  spans: Span[];
  /** There are more of them than are drained at once. */
  more: boolean;
  /** Ranges left out, for rows in them that a partition would refuse. */
  refused: { span: Span; reason: string }[];
  /** Why rows stay in the default for which no partition can be made. */
  unplaced: string[];
  /** Constraints of the partitioned table that rows of the default may break. */
  doubts: Doubt[];
  /** Of the partitioned table. */
  facts: ConversionFacts;
  signature: string;
  /** Subscriptions of this database that write to the default itself. */
  subscriptions: string[];
  /** Names that a drain needs and that are taken. */
  taken: string[];
}

/** A leaf that is sealed or being sealed. */
export interface SealedFacts {
  /** RFC 3339; null: it refuses writes already, but its manifest is not complete yet. */
  sealedAt: string | null;
  /** It was unsealed. */
  ended?: boolean;
  /** RFC 3339; until then retention keeps what was restored, and an unsealed leaf is not sealed again. */
  heldUntil: string | null;
  /** What the last verification found wrong. */
  problem: string | null;
}

/** A leaf that exists only as an archive. */
export interface ArchivedFacts {
  schema: string;
  name: string;
  bound: string;
  rows: number;
  bytes: number;
  sealedAt: string | null;
}

/** The publications of a table, and the triggers that moved rows would fire. */
export interface PublishedFacts {
  publications: Publication[];
  rowTriggers: number;
}

/** Everything that the planner knows about one table. */
export interface TableFacts {
  policy: Policy;
  /** Undefined when the table does not exist or cannot be managed; `problem` is the reason. */
  parent: ParentFacts | undefined;
  problem: string | undefined;
  /** TimescaleDB keeps it: it lacks no partition, and its chunks are not Holdfast's. */
  hypertable?: boolean;
  leaves: LeafFacts[];
  detached: DetachedFacts[];
  taken: ReadonlyMap<string, TakenName>;
  blockers: ReadonlyMap<number, Blocker[]>;
  /** Rows of the default leaf in a range that is to get a leaf, by the start of the range; counted to a limit. */
  defaultRows: ReadonlyMap<bigint, number>;
  /** Undefined when there is nothing in a default partition to be drained. */
  drain?: DrainFacts | undefined;
  /** Why a new partition would refuse rows that the default holds, by the start of the span that is to be made. */
  refusedRows?: ReadonlyMap<bigint, string>;
  /** Of the sibling that new leaves are stored like. */
  toastOptions?: readonly string[];
  /** Undefined: it is in no publication. */
  published?: PublishedFacts | undefined;
  /** The last drain failed permanently; it is not begun again while the table's signature is the same. */
  drainFailure?: { reason: string; at: string; signature: string } | undefined;
  /** The phase of a drain of this table that is under way. */
  draining?: string | undefined;
  /** Bounds of the leaves that it makes, as DDL text; undefined where they are not known. */
  drainRanges?: readonly { from: string; to: string }[] | undefined;
  /** Leaves that are sealed or being sealed, by oid; also detached ones. */
  sealed?: ReadonlyMap<number, SealedFacts>;
  /** Leaves, also detached ones, whose rows are not all in one table of this node, by oid, with the reason. */
  odd?: ReadonlyMap<number, string>;
  /**
   * Where the table's newest rows are, when some leaf is to be retired: in a leaf that is kept, only in those to be
   * retired, or nowhere; unknown after a timeout. Undefined when no leaf is to be retired.
   */
  newest?: "kept" | "leaving" | "none" | "unknown" | undefined;
  /** Oids of leaves that are to be retired and have no row. */
  hollow?: ReadonlySet<number> | undefined;
  /** Leaves that could not be sealed, archived or dropped when last tried, by `schema.name`, with the reason. */
  unproven?: ReadonlyMap<string, string>;
  /** Leaves that are gone and whose archives exist. */
  archived?: readonly ArchivedFacts[];
  /** Highest id, where the key is id. */
  highestId: bigint | null;
}

/** The time and the limits of a plan. */
export interface PlanContext {
  nowUs: bigint;
  maxPartitions: number;
  /** Holes older than this are not filled. */
  horizonDays: number;
}
