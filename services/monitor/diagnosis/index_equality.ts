import type { IndexRow } from "../../../db/collectors/tables/collectors.ts";

/** Something besides query plans that needs an index. */
interface Use {
  what: string;
  /** Whether it needs this very index: an equal one cannot replace it. */
  pins: boolean;
}

/** Returns what needs an index besides reads. Pure. */
export function usesOf(row: IndexRow): Use[] {
  const uses: (Use & { holds: boolean })[] = [
    { what: "a constraint", pins: true, holds: row.by_constraint },
    { what: "a foreign key that refers to it", pins: true, holds: row.by_foreign_key },
    { what: "the replica identity", pins: true, holds: row.by_replica_identity },
    { what: "cluster", pins: true, holds: row.by_cluster },
    { what: "an extension", pins: true, holds: row.by_extension },
    {
      what: "uniqueness",
      pins: false,
      holds: row.is_unique && !row.by_constraint,
    },
    {
      what: "the checks of a foreign key of its table",
      pins: false,
      holds: row.serves_foreign_key,
    },
    {
      what: "the planner's statistics on its expressions: create statistics on them first",
      pins: false,
      holds: row.expressions !== null,
    },
  ];
  return uses.filter(({ holds }) => holds).map(({ what, pins }) => ({ what, pins }));
}

/** Ranks an index by what needs it: constraint, foreign key, replica identity, cluster, extension, uniqueness. */
const rankOf = (row: IndexRow) =>
  [
    row.by_constraint,
    row.by_foreign_key,
    row.by_replica_identity,
    row.by_cluster,
    row.by_extension,
    row.is_unique,
  ].reduce((sum, holds) => sum * 2 + Number(holds), 0);

/** Returns whether `a` is kept rather than `b`: by what needs it, then by use, then by name. Pure. */
export function outranks(a: IndexRow, b: IndexRow): boolean {
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA !== rankB) return rankA > rankB;
  if (a.scans !== b.scans) return a.scans > b.scans;
  return a.name < b.name;
}

const same = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((value, at) => value === b[at]);

/** Returns whether `other` refuses all that `row` refuses, at the same time. */
const enforcesAll = (other: IndexRow, row: IndexRow) =>
  !row.is_unique ||
  other.is_unique && other.is_immediate === row.is_immediate &&
    other.nulls_not_distinct === row.nulls_not_distinct;

/** Returns whether `other` serves every query and refuses every write that `row` does, in the same way. Pure. */
export const isEqual = (other: IndexRow, row: IndexRow): boolean =>
  other.method === row.method &&
  other.key_count === row.key_count &&
  other.expressions === row.expressions &&
  other.predicate === row.predicate &&
  same(other.keys, row.keys) &&
  same(other.classes, row.classes) &&
  same(other.collations, row.collations) &&
  same(other.options, row.options) &&
  same(other.column_options, row.column_options) &&
  same(other.method_options, row.method_options) &&
  enforcesAll(other, row);

/**
 * Returns whether the first keys of `wide` are all the keys of `narrow`, which is not unique and has no other columns. Only
 * for B-trees: with other methods the order of keys has another meaning. Pure.
 */
export function covers(wide: IndexRow, narrow: IndexRow): boolean {
  const count = narrow.key_count;
  const first = <T>(values: readonly T[]) => values.slice(0, count);
  return wide.method === "btree" && narrow.method === "btree" &&
    !narrow.is_unique &&
    narrow.expressions === null &&
    narrow.keys.length === count &&
    wide.key_count >= count && wide.keys.length > count &&
    wide.predicate === narrow.predicate &&
    same(narrow.keys, first(wide.keys)) &&
    same(narrow.classes, first(wide.classes)) &&
    same(narrow.collations, first(wide.collations)) &&
    same(narrow.options, first(wide.options)) &&
    same(narrow.column_options, first(wide.column_options));
}
