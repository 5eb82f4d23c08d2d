import indexMembers from "./index_members.sql" with { type: "text" };
import members from "../../timescale/members.sql" with { type: "text" };

/** Texts of a statement, and what stands in their place. */
type Edits = Readonly<Record<string, string>>;

/** Replaces each text, which must occur once. Throws RangeError where it does not. */
export function edit(sql: string, edits: Edits): string {
  return Object.entries(edits).reduce((text, [old, fresh]) => {
    const parts = text.split(old);
    if (parts.length !== 2) {
      throw new RangeError(`Cannot edit a statement: "${old}" occurs ${parts.length - 1} times`);
    }
    return parts.join(fresh);
  }, sql);
}

const memberTables = `hypertable_members as materialized (${members})`;
const memberIndexes = `${memberTables}, hypertable_indexes as materialized (${indexMembers})`;
const partsIn = (parts: string) => `(select oid from hypertable_members where part in (${parts}))`;
const ofTables = `select oid, root from hypertable_members`;
const ofIndexes = `select oid, root from hypertable_indexes`;

/** Adds the members of hypertables to the partitions that a statement rolls up; those of 0 join no table, and are left out. */
const family = (ctes: string, more: string): Edits => ({
  "with family as (": `with ${ctes}, family as (`,
  "left join family as f": `left join (select oid, root from family union all ${more}) as f`,
});

/** Rolls the tables of hypertables up in the statement of the collector "tables". */
export const rollUpTables = (sql: string): string =>
  edit(sql, {
    ...family(memberTables, ofTables),
    "count(*) as leaves,": `count(*) - count(*) filter (
      where oid in ${partsIn("'hypertable', 'compressed', 'inside'")}
    ) as leaves,`,
    "sum(relpages) * max(v.block_size) as bytes,":
      `coalesce(sum(relpages) filter (where oid not in ${partsIn("'emptied'")}), 0)
      * max(v.block_size) as bytes,`,
    // A row of a compressed table holds up to a thousand.
    "sum(rows) as rows,": `coalesce(sum(rows) filter (where oid not in ${
      partsIn("'compressed'")
    }), 0) as rows,`,
  });

/** Rolls the indexes of chunks up in the statement of the collector "indexes". */
export const rollUpIndexes = (sql: string): string =>
  edit(sql, {
    ...family(memberIndexes, ofIndexes),
    "count(*) filter (where relkind = 'i') as leaves,": `count(*) filter (
      where relkind = 'i' and oid not in (select oid from hypertable_indexes where part = 'hypertable')
    ) as leaves,`,
    "c.relkind = 'I' as is_partitioned,": `c.relkind = 'I'
    or c.oid in (select oid from hypertable_indexes where part = 'hypertable') as is_partitioned,
  c.oid in (select oid from hypertable_indexes where part = 'hypertable') as is_hypertable,`,
  });

/** Rolls hypertables up in the statement of the collector "bloat"; of compressed rows nothing is estimated. */
export const rollUpBloat = (sql: string): string =>
  edit(sql, {
    ...family(
      memberIndexes,
      `select oid, case when part in ('emptied', 'compressed', 'inside') then 0::oid else root end from hypertable_members
      union all ${ofIndexes}`,
    ),
  });

/** Leaves the foreign keys of chunks out of the statement of the collector "missing_indexes": they have the hypertable's. */
export const rollUpMissingIndexes = (sql: string): string =>
  edit(sql, {
    "select\n  n.nspname as schema,": `with ${memberTables}\nselect\n  n.nspname as schema,`,
    "c.relkind = 'p' as is_partitioned,": `c.relkind = 'p' or c.oid in ${
      partsIn("'hypertable'")
    } as is_partitioned,
  c.oid in ${partsIn("'hypertable'")} as is_hypertable,`,
    "where k.contype = 'f'\n":
      `where k.contype = 'f'\n  and c.oid not in (select oid from hypertable_members where oid <> root)\n`,
  });

/** Adds the tables of hypertables of market, which are in a schema of the extension, to the collector "sizes". */
export const rollUpSizes = (sql: string): string =>
  edit(sql, {
    "select\n  pg_database_size": `with ${memberTables}\nselect\n  pg_database_size`,
    "where c.relnamespace = to_regnamespace('market')":
      `left join pg_index as x on x.indexrelid = c.oid
    left join hypertable_members as m on m.oid = coalesce(x.indrelid, c.oid)
    left join pg_class as top on top.oid = m.root
    where coalesce(top.relnamespace, c.relnamespace) = to_regnamespace('market')
      and (m.part is distinct from 'emptied' or x.indexrelid is not null)`,
  });
