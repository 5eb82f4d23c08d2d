import { listLeaves, type LeafRow, readBounds, type TableName } from "../../db/partitions.ts";
import type { Sql } from "../../db/connection.ts";
import { parseBound, type Range } from "./bounds.ts";

/** A leaf with its bound; no range means the default partition or a key Holdfast does not read. */
export interface Leaf extends LeafRow {
  bound: string | null;
  range: Range | undefined;
}

export interface Catalogue {
  leaves(sql: Sql, table: TableName): Promise<Leaf[]>;
}

/**
 * Reads leaves with their bounds. A bound never changes while a leaf is attached and reading it waits for
 * locks on the leaf, so each is read once per oid and remembered.
 */
export function createCatalogue(): Catalogue {
  const bounds = new Map<number, string | null>();
  return {
    async leaves(sql, table) {
      const rows = await listLeaves(sql, table);
      const unknown = rows.map(({ oid }) => oid).filter((oid) => !bounds.has(oid));
      if (unknown.length > 0) {
        for (const { oid, bound } of await readBounds(sql, unknown)) bounds.set(oid, bound);
      }
      return rows.map((row) => {
        const bound = bounds.get(row.oid) ?? null;
        return { ...row, bound, range: parseBound(bound) };
      });
    },
  };
}
