import type { CollectorRows, IndexRow } from "../../db/collectors/rows.ts";
import { quoteIdent, quoteTable } from "../../db/sql.ts";

/** One index, with those of its partitions in sum, and what is wrong with it. */
export interface IndexReport {
  name: string;
  table: string;
  method: string;
  bytes: number;
  scans: number;
  partitions: number;
  unique: boolean;
  valid: boolean;
  /** Never used since the statistics began, and needed by no constraint. */
  unused: boolean;
  /** Another index with the same keys, which does all that this one does. */
  duplicate_of: string | null;
  /** Another index whose first keys are all the keys of this one. */
  covered_by: string | null;
  problems: ("invalid" | "duplicate" | "covered" | "unused")[];
  /** What would mend it, its lock, and its risk; null when nothing is wrong. */
  cure: { sql: string; lock: string; risk: string } | null;
}

/** Columns of a foreign key that no index leads with. */
export interface MissingIndex {
  table: string;
  columns: string[];
  reason: string;
  cure: { sql: string; lock: string; risk: string };
}

const nameOf = (row: IndexRow) => `${row.schema}.${row.name}`;
/** What a constraint, a primary key, CLUSTER or replication rests on is never spare. */
const isPinned = (row: IndexRow) => row.is_primary || row.backs_constraint || row.is_marked;
/** Statistics younger than a week have not seen the weekly report, and call nothing unused. */
const unusedAfterSeconds = 7 * 86_400;

/** Which of two equal indexes stays: the one something depends on, else the one more used, else the first by name. */
function outranks(a: IndexRow, b: IndexRow): boolean {
  const [pinnedA, pinnedB] = [isPinned(a), isPinned(b)];
  if (pinnedA !== pinnedB) return pinnedA;
  if (a.is_unique !== b.is_unique) return a.is_unique;
  if (a.scans !== b.scans) return a.scans > b.scans;
  return a.name < b.name;
}

const same = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((value, at) => value === b[at]);

const isEqual = (a: IndexRow, b: IndexRow) => a.shape === b.shape && same(a.keys, b.keys);

/** Whether the first keys of `wide` are all keys of `narrow`, which asks nothing more of them. */
function covers(wide: IndexRow, narrow: IndexRow): boolean {
  const plain = (row: IndexRow) =>
    row.method === "btree" && !row.has_expressions && !row.is_partial;
  const keys = narrow.key_count;
  return plain(wide) && plain(narrow) && narrow.keys.length === keys && wide.key_count > keys &&
    same(narrow.keys, wide.keys.slice(0, keys)) &&
    same(narrow.classes, wide.classes.slice(0, keys)) &&
    same(narrow.options, wide.options.slice(0, keys));
}

function cureOf(row: IndexRow, problems: IndexReport["problems"]): IndexReport["cure"] {
  if (problems.length === 0) return null;
  const name = quoteTable(row.schema, row.name);
  const drops = problems.some((problem) => problem !== "invalid");
  if (!drops && row.is_partitioned) {
    return {
      sql: `reindex index ${name}`,
      lock: "ACCESS EXCLUSIVE on each index, SHARE on its partition",
      risk:
        "writes to a partition wait while its index is built; one still to be made is attached by hand",
    };
  }
  if (!drops) {
    return {
      sql: `reindex index concurrently ${name}`,
      lock: "SHARE UPDATE EXCLUSIVE",
      risk: "reads the whole table; writes go on",
    };
  }
  return row.is_partitioned
    ? {
      sql: `drop index ${name}`,
      lock: "ACCESS EXCLUSIVE on the table and all its partitions, for a moment",
      risk: "waits for open transactions, and others wait behind it: set lock_timeout first",
    }
    : {
      sql: `drop index concurrently ${name}`,
      lock: "SHARE UPDATE EXCLUSIVE",
      risk: "a standby may use it although this server does not",
    };
}

/**
 * Judges every index against the others of its table. `observedSeconds` is how long its use has been counted.
 * Pure.
 */
export function judgeIndexes(rows: readonly IndexRow[], observedSeconds: number): IndexReport[] {
  const byTable = Map.groupBy(rows, (row) => row.table_oid);
  return rows.map((row) => {
    const others = (byTable.get(row.table_oid) ?? []).filter((other) =>
      other !== row && other.invalid_leaves === 0
    );
    const spare = !isPinned(row);
    const twin = spare &&
      others.find((other) =>
        isEqual(other, row) && (other.is_unique || !row.is_unique) && outranks(other, row)
      );
    const wide = spare && !row.is_unique && !twin && others.find((other) => covers(other, row));
    const unused = spare && !row.is_unique && row.scans === 0;
    const problems: IndexReport["problems"] = [
      ...(row.invalid_leaves > 0 ? ["invalid" as const] : []),
      ...(twin ? ["duplicate" as const] : []),
      ...(wide ? ["covered" as const] : []),
      ...(unused && observedSeconds >= unusedAfterSeconds ? ["unused" as const] : []),
    ];
    return {
      name: nameOf(row),
      table: row.table,
      method: row.method,
      bytes: row.bytes,
      scans: row.scans,
      partitions: row.is_partitioned ? row.leaves : 0,
      unique: row.is_unique,
      valid: row.invalid_leaves === 0,
      unused,
      duplicate_of: twin ? nameOf(twin) : null,
      covered_by: wide ? nameOf(wide) : null,
      problems,
      cure: cureOf(row, problems),
    };
  });
}

/** Indexes that foreign keys lack, with the statement that makes them. Pure. */
export function judgeMissing(rows: readonly CollectorRows["missing_indexes"][]): MissingIndex[] {
  return rows.map(({ schema, name, is_partitioned, constraint, referenced, columns }) => ({
    table: `${schema}.${name}`,
    columns,
    reason:
      `the foreign key ${constraint} to ${referenced} has no index: each delete there scans this table`,
    cure: {
      sql: `create index ${is_partitioned ? "" : "concurrently "}on ${quoteTable(schema, name)} (${
        columns.map(quoteIdent).join(", ")
      })`,
      lock: is_partitioned ? "SHARE on the table and all its partitions" : "SHARE UPDATE EXCLUSIVE",
      risk: is_partitioned
        ? "writes wait until it is built: on a busy table, build it per partition and attach"
        : "reads the whole table; writes go on",
    },
  }));
}
