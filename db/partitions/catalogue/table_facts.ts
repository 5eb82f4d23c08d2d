import type { Publication } from "./publications.ts";

export interface ColumnFacts {
  name: string;
  type: string;
  not_null: boolean;
  /** "a" always, "d" by default, "" none. */
  identity: string;
  generated: boolean;
}

export interface ConstraintFacts {
  name: string;
  /** As in pg_constraint: p, u, f, c, x, n, t. */
  type: string;
  definition: string;
  columns: string[];
  deferrable: boolean;
  validated: boolean;
  /** False for NOT ENFORCED (Postgres 18 and later). */
  enforced: boolean;
  /** A temporal key (WITHOUT OVERLAPS) or foreign key (PERIOD), Postgres 18 and later. */
  period: boolean;
  comment: string | null;
  /** The table that a foreign key refers to. */
  references: string | null;
}

export interface IndexFacts {
  name: string;
  /** The definition after the name of the table, from "USING" on. */
  suffix: string;
  unique: boolean;
  valid: boolean;
  partial: boolean;
  /** Null for an expression. */
  columns: (string | null)[];
  constraint: boolean;
  comment: string | null;
  /** Storage options, such as fillfactor=70. */
  options: string[];
  clustered: boolean;
  /** Statistics targets of its columns, by their number. */
  statistics: { column: number; target: number }[];
}

/** Extended statistics. */
export interface StatisticsFacts {
  schema: string;
  name: string;
  /** The definition between the name and FROM. */
  body: string;
  target: number | null;
  comment: string | null;
}

export interface TriggerFacts {
  name: string;
  definition: string;
  row: boolean;
  transition: boolean;
  constraint: boolean;
  enabled: string;
  comment: string | null;
}

export interface SequenceFacts {
  schema: string;
  name: string;
  column: string;
  identity: boolean;
  type: string;
  comment: string | null;
  grants: { grantee: string; privilege: string; grantable: boolean }[];
}

export interface ViewFacts {
  schema: string;
  name: string;
  kind: string;
  definition: string;
  options: string[];
  owns: boolean;
}

/** A plain table with all objects that belong to it. */
export interface ConversionFacts {
  oid: number;
  kind: string;
  persistence: string;
  is_partition: boolean;
  inherits: boolean;
  typed: boolean;
  options: string[];
  comment: string | null;
  bytes: number;
  rows_estimate: number | null;
  columns: ColumnFacts[];
  constraints: ConstraintFacts[];
  indexes: IndexFacts[];
  triggers: TriggerFacts[];
  views: ViewFacts[];
  sequences: SequenceFacts[];
  statistics: StatisticsFacts[];
  /** Security labels, and the extension it belongs to. */
  labels: number;
  extension: string | null;
  policies: number;
  rules: number;
  publications: Publication[];
  /** Subscriptions of this database that write to it. */
  subscriptions: string[];
  /** Other objects that depend on the table, as the server describes them. */
  dependents: string[];
}

/** Returns the columns that identify a row: the primary key's, or those of a unique index over columns that are not null. */
export function identityOf(facts: ConversionFacts): string[] | undefined {
  const notNull = new Set(
    facts.columns.filter(({ not_null }) => not_null).map(({ name }) => name),
  );
  const primary = facts.constraints.find(({ type, deferrable }) => type === "p" && !deferrable);
  if (primary) return primary.columns;
  const unique = facts.indexes.find(({ unique, valid, partial, columns }) =>
    unique && valid && !partial && columns.every((name) => name !== null && notNull.has(name))
  );
  return unique?.columns.filter((name) => name !== null);
}
