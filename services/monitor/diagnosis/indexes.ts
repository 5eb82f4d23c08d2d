import type { CollectorRows } from "../../../db/collectors/list.ts";
import type { IndexRow } from "../../../db/collectors/tables/collectors.ts";
import { createIndex, dropIndex, reindex, reindexTable } from "../../../db/indexes/ddl.ts";
import { unusedAfterSeconds } from "./index_ages.ts";
import { covers, isEqual, outranks, usesOf } from "./index_equality.ts";

/** One index with the totals of its partitions, and its problems. */
export interface IndexReport {
  name: string;
  table: string;
  method: string;
  bytes: number;
  scans: number;
  partitions: number;
  unique: boolean;
  valid: boolean;
  /** Whether it was never used since the statistics began and nothing else needs it; false where that is unknown. */
  unused: boolean;
  /** An index that is equal to it and is kept. */
  duplicate_of: string | null;
  /** An index whose first keys are all the keys of this one. */
  covered_by: string | null;
  /** What needs the index besides reads. */
  needed_for: string[];
  problems: ("invalid" | "duplicate" | "covered" | "unused")[];
  /** The statement that solves the problem, its lock and its risk; null without a problem. */
  cure: { sql: string; lock: string; risk: string } | null;
}

/** Columns of a foreign key that are not the first columns of any index. */
export interface MissingIndex {
  table: string;
  columns: string[];
  reason: string;
  cure: { sql: string; lock: string; risk: string };
}

const nameOf = (row: IndexRow) => `${row.schema}.${row.name}`;

function cureOf(row: IndexRow, problems: IndexReport["problems"]): IndexReport["cure"] {
  if (problems.length === 0) return null;
  const drops = !problems.includes("invalid");
  if (!drops && row.is_hypertable) {
    return {
      // An index is in the schema of its table.
      sql: reindexTable({ schema: row.schema, name: row.table.slice(row.schema.length + 1) }),
      lock: "ACCESS EXCLUSIVE on each index of each chunk, SHARE on its chunk",
      risk: "builds all indexes of the hypertable again; writes to a chunk wait meanwhile",
    };
  }
  if (!drops && row.is_partitioned) {
    return {
      sql: reindex(row, false),
      lock: "ACCESS EXCLUSIVE on each index, SHARE on its partition",
      risk:
        "writes to a partition wait while its index is built; a partition without an index needs one attached by hand",
    };
  }
  if (!drops) {
    return {
      sql: reindex(row, true),
      lock: "SHARE UPDATE EXCLUSIVE",
      risk: "reads the whole table; does not block writes",
    };
  }
  const elsewhere = problems.includes("duplicate") || problems.includes("covered")
    ? ""
    : "a standby, or a job that runs less often than use has been counted, may use it; ";
  const statistics = row.expressions === null
    ? ""
    : "; analyze the table first, so that the index that is kept has statistics on its expressions";
  return row.is_partitioned
    ? {
      sql: dropIndex(row, false),
      lock: "ACCESS EXCLUSIVE on the table and all its partitions, for a moment",
      risk:
        `${elsewhere}waits for open transactions, and other sessions wait for it: set lock_timeout first${statistics}`,
    }
    : {
      sql: dropIndex(row, true),
      lock: "SHARE UPDATE EXCLUSIVE",
      risk: `${elsewhere}waits for open transactions; does not block reads or writes${statistics}`,
    };
}

/** The index that replaces a redundant one. */
interface Replacement {
  kind: "duplicate" | "covered";
  by: IndexRow;
}

/**
 * Returns for each redundant index the one that replaces it. There is no cycle: a duplicate is replaced by an index that
 * outranks it, a covered index by one with more columns.
 */
function findReplacements(rows: readonly IndexRow[]): Map<IndexRow, Replacement> {
  const byTable = Map.groupBy(rows, (row) => row.table_oid);
  const found = new Map<IndexRow, Replacement>();
  for (const row of rows) {
    // A session whose progress is hidden from our role may be building an invalid index.
    if (row.invalid_leaves > 0 || row.is_mixed || usesOf(row).some(({ pins }) => pins)) continue;
    const others = (byTable.get(row.table_oid) ?? []).filter((other) =>
      other !== row && other.invalid_leaves === 0 && !other.is_mixed
    );
    const best = (candidates: IndexRow[]) =>
      candidates.toSorted((a, b) => outranks(a, b) ? -1 : 1).at(0);
    const twin = best(others.filter((other) => isEqual(other, row) && outranks(other, row)));
    const by = twin ?? best(others.filter((other) => covers(other, row)));
    if (by) found.set(row, { kind: twin ? "duplicate" : "covered", by });
  }
  return found;
}

/** Returns the scans of each index, including those of the indexes it replaces. */
function scansAfterDrops(
  rows: readonly IndexRow[],
  replacements: ReadonlyMap<IndexRow, Replacement>,
): Map<IndexRow, number> {
  const scans = new Map(rows.map((row) => [row, row.scans]));
  for (const row of replacements.keys()) {
    let last = row;
    for (let next = replacements.get(last); next; next = replacements.get(last)) last = next.by;
    scans.set(last, (scans.get(last) ?? 0) + row.scans);
  }
  return scans;
}

/**
 * Judges every index against the others of its table. All advised drops can be made together: of equal indexes one is kept.
 * `observedSeconds` is how long the use of an index has been counted; null where counts mean nothing, as on a standby.
 * Pure.
 */
export function judgeIndexes(
  rows: readonly IndexRow[],
  observedSeconds: (row: IndexRow) => number | null,
): IndexReport[] {
  const replacements = findReplacements(rows);
  const scans = scansAfterDrops(rows, replacements);
  return rows.map((row) => {
    const replacement = replacements.get(row);
    const needs = usesOf(row);
    const isUsed = (replacement ? row.scans : scans.get(row)) !== 0;
    const observed = observedSeconds(row);
    const unused = observed !== null && !isUsed && needs.length === 0 && row.invalid_leaves === 0;
    const problems: IndexReport["problems"] = [
      ...(row.invalid_leaves > 0 ? ["invalid" as const] : []),
      ...(replacement ? [replacement.kind] : []),
      ...(unused && observed >= unusedAfterSeconds ? ["unused" as const] : []),
    ];
    const nameOfKind = (kind: Replacement["kind"]) =>
      replacement?.kind === kind ? nameOf(replacement.by) : null;
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
      duplicate_of: nameOfKind("duplicate"),
      covered_by: nameOfKind("covered"),
      needed_for: needs.map(({ what }) => what),
      problems,
      cure: cureOf(row, problems),
    };
  });
}

/** Returns the indexes that foreign keys lack, with the statements that create them. Pure. */
export function judgeMissing(rows: readonly CollectorRows["missing_indexes"][]): MissingIndex[] {
  return rows.map((row) => {
    const { schema, name, is_partitioned, is_hypertable, constraint, referenced, columns } = row;
    const whole = is_hypertable
      ? "the hypertable and all its chunks"
      : "the table and all its partitions";
    return {
      table: `${schema}.${name}`,
      columns,
      reason:
        `the foreign key ${constraint} to ${referenced} has no index: each delete from ${referenced} scans this table`,
      cure: {
        sql: createIndex({ schema, name }, columns, !is_partitioned),
        lock: is_partitioned ? `SHARE on ${whole}` : "SHARE UPDATE EXCLUSIVE",
        risk: is_hypertable
          ? "writes wait until it is built: on a busy hypertable, add with (timescaledb.transaction_per_chunk)"
          : is_partitioned
          ? "writes wait until it is built: on a busy table, build it on each partition and attach these"
          : "reads the whole table; does not block writes",
      },
    };
  });
}
