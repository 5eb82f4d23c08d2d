import {
  type LeafRow,
  listLeaves,
  readBounds,
  readSizes,
  type TableName,
} from "../../db/partitions.ts";
import type { Sql } from "../../db/connection.ts";
import { parseBound, type Range } from "./bounds.ts";

/** A leaf with its bound; no range means the default partition or a key Holdfast does not read. */
export interface Leaf extends LeafRow {
  bound: string | null;
  range: Range | undefined;
}

export interface Catalogue {
  /** All bounds are read, which may wait for a lock. */
  leaves(sql: Sql, table: TableName): Promise<Leaf[]>;
  /** For watching: exact sizes where they can be read (relpages waits for a vacuum), and no wait for any lock. */
  sizedLeaves(sql: Sql, table: TableName): Promise<Leaf[]>;
}

/** Leaves measured per look: each costs a few file stats. */
const measuredMax = 200;

/**
 * Reads leaves with their bounds. A bound never changes while a leaf is attached and reading it waits for
 * locks on the leaf, so each is read once per oid and remembered.
 */
export function createCatalogue(): Catalogue {
  const bounds = new Map<number, string | null>();
  const sizes = new Map<number, { writes: number; bytes: number }>();

  async function read(sql: Sql, table: TableName, skipLocked: boolean): Promise<Leaf[]> {
    const rows = await listLeaves(sql, table);
    const unknown = rows.map(({ oid }) => oid).filter((oid) => !bounds.has(oid));
    if (unknown.length > 0) {
      for (const { oid, bound } of await readBounds(sql, unknown, skipLocked)) {
        bounds.set(oid, bound);
      }
    }
    return rows.map((row) => {
      const bound = bounds.get(row.oid) ?? null;
      return { ...row, bound, range: parseBound(bound) };
    });
  }

  return {
    leaves: (sql, table) => read(sql, table, false),
    async sizedLeaves(sql, table) {
      const found = await read(sql, table, true);
      const changed = found.filter(({ oid, writes }) => sizes.get(oid)?.writes !== writes);
      const measured = changed.slice(0, measuredMax);
      if (measured.length > 0) {
        const marks = new Map(measured.map(({ oid, writes }) => [oid, writes]));
        for (const { oid, bytes } of await readSizes(sql, [...marks.keys()])) {
          sizes.set(oid, { writes: marks.get(oid) ?? -1, bytes });
        }
      }
      return found.map((leaf) => ({ ...leaf, bytes: sizes.get(leaf.oid)?.bytes ?? leaf.bytes }));
    },
  };
}
