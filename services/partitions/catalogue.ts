import type { Sql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import {
  type LeafRow,
  listLeaves,
  readBounds,
  readIndexBytes,
  readSizes,
} from "../../db/partitions/catalogue/leaves.ts";
import { sqlState } from "../../db/sql_state.ts";

/**
 * A leaf with its bound and the size of its table and indexes. The bound is null when it could not be read because another
 * session holds the leaf exclusively.
 */
export interface Leaf extends LeafRow {
  bound: string | null;
}

export interface Catalogue {
  /** Returns the leaves of these tables, by the tables' oids; waits for no lock. */
  leaves(sql: Sql, parents: readonly number[]): Promise<Map<number, Leaf[]>>;
  /** Returns the same with exact sizes where they can be read: relpages is only as recent as the last vacuum. */
  sizedLeaves(sql: Sql, parents: readonly number[]): Promise<Map<number, Leaf[]>>;
}

/** At most so many leaves are measured in one call: each costs a few file stats. */
const measuredMax = 200;

/** At most so many leaves are cached beyond those that exist. */
const rememberedMax = 20_000;

/**
 * Reads leaves with their bounds. A bound is part of the leaf's row in pg_class and reading it waits for locks on the
 * leaf, so each is read once per version of that row and remembered.
 */
export function createCatalogue(): Catalogue {
  const bounds = new Map<number, { version: string; bound: string }>();
  const sizes = new Map<number, { writes: number; bytes: number }>();
  const indexes = new Map<number, { writes: number; bytes: number }>();

  async function learnBounds(sql: Sql, rows: readonly LeafRow[]): Promise<void> {
    const versions = new Map(
      rows.filter(({ oid, version }) => bounds.get(oid)?.version !== version)
        .map(({ oid, version }) => [oid, version]),
    );
    if (versions.size === 0) return;
    try {
      for (const { oid, bound } of await readBounds(sql, [...versions.keys()])) {
        if (bound !== null) bounds.set(oid, { version: versions.get(oid) ?? "", bound });
      }
    } catch (error) {
      // A leaf was locked after the check; the bounds stay unknown this time.
      if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
    }
  }

  /** Only leaves that were written to are summed up: most are unchanged, and this query is the slowest here. */
  async function learnIndexes(sql: Sql, rows: readonly LeafRow[]): Promise<void> {
    const changed = rows.filter(({ oid, writes }) => indexes.get(oid)?.writes !== writes);
    if (changed.length === 0) return;
    const read = await readIndexBytes(sql, changed);
    const bytes = new Map(read.map((row) => [row.oid, row.bytes]));
    for (const { oid, writes } of changed) indexes.set(oid, { writes, bytes: bytes.get(oid) ?? 0 });
  }

  /** Clears the cache when it holds many leaves that no longer exist. */
  function forget(present: number): void {
    for (const known of [bounds, sizes, indexes]) {
      if (known.size > 2 * present + rememberedMax) known.clear();
    }
  }

  async function read(sql: Sql, parents: readonly number[]): Promise<Leaf[]> {
    if (parents.length === 0) return [];
    const rows = await listLeaves(sql, parents);
    forget(rows.length);
    await learnBounds(sql, rows);
    await learnIndexes(sql, rows);
    return rows.map((row) => {
      const known = bounds.get(row.oid);
      return {
        ...row,
        bytes: row.bytes + (indexes.get(row.oid)?.bytes ?? 0),
        bound: known?.version === row.version ? known.bound : null,
      };
    });
  }

  async function measure(sql: Sql, leaves: readonly Leaf[]): Promise<void> {
    // A table without storage has no size.
    const changed = leaves.filter(({ oid, writes, partitioned }) =>
      !partitioned && sizes.get(oid)?.writes !== writes
    );
    const marks = new Map(changed.slice(0, measuredMax).map(({ oid, writes }) => [oid, writes]));
    if (marks.size === 0) return;
    for (const { oid, bytes } of await readSizes(sql, [...marks.keys()])) {
      sizes.set(oid, { writes: marks.get(oid) ?? -1, bytes });
    }
  }

  function byParent(parents: readonly number[], leaves: readonly Leaf[]): Map<number, Leaf[]> {
    const groups = new Map<number, Leaf[]>(parents.map((parent) => [parent, []]));
    for (const leaf of leaves) groups.get(leaf.parent)?.push(leaf);
    return groups;
  }

  return {
    leaves: async (sql, parents) => byParent(parents, await read(sql, parents)),
    async sizedLeaves(sql, parents) {
      const found = await read(sql, parents);
      await measure(sql, found);
      return byParent(
        parents,
        found.map((leaf) => ({ ...leaf, bytes: sizes.get(leaf.oid)?.bytes ?? leaf.bytes })),
      );
    },
  };
}
