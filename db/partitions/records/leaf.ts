import type { TableName } from "../ddl.ts";

/** A leaf as its records name it: its parent, its own name, its oid and its bound. */
export interface RecordedLeaf {
  parent: TableName;
  leaf: TableName;
  oid: number;
  bound: string;
}

/** Returns the columns that every record of a leaf begins with. */
export const leafValues = ({ parent, leaf, oid, bound }: RecordedLeaf) => ({
  schema: parent.schema,
  table: parent.table,
  leaf_schema: leaf.schema,
  leaf_name: leaf.table,
  leaf_oid: oid,
  bound,
});
