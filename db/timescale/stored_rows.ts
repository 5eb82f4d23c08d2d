import { askVersions } from "../collectors/ask.ts";
import { versionAtLeast } from "../collectors/choose.ts";
import type { Sql } from "../connection.ts";
import members from "./members.sql" with { type: "text" };

/** The first version of TimescaleDB whose catalogue tells the chunk of each table of compressed rows. */
export const membersSince = "2.19";

/** A table that holds rows of a hypertable as they are stored: a chunk, or the compressed rows of one. */
export interface StoredTable {
  oid: string;
  nspname: string;
  relname: string;
}

/** The tables with the rows of all hypertables, and what they do not show. */
export interface StoredTables {
  tables: StoredTable[];
  notes: string[];
}

const nothing: StoredTables = { tables: [], notes: [] };

/** Lists the tables that hold the rows of hypertables, newest first; none where TimescaleDB is not installed. */
export async function listStoredTables(sql: Sql): Promise<StoredTables> {
  const version = (await askVersions(sql))?.timescale_version ?? null;
  if (version === null) return nothing;
  if (!versionAtLeast(version, membersSince)) {
    return {
      ...nothing,
      notes: [
        `rows of hypertables were not compared: TimescaleDB ${version} is too old, it needs ${membersSince}`,
      ],
    };
  }
  const rows = await sql.unsafe<(StoredTable & { part: string })[]>(
    `select
      m.oid::int8::text as oid,
      n.nspname,
      c.relname,
      m.part
    from (${members}) as m
    join pg_class as c on c.oid = m.oid
    join pg_namespace as n on n.oid = c.relnamespace
    where m.part in ('chunk', 'emptied', 'compressed') and c.relkind = 'r'
    order by m.oid desc`,
  );
  const emptied = rows.filter(({ part }) => part === "emptied").length;
  return {
    tables: rows.filter(({ part }) => part !== "emptied"),
    notes: emptied === 0 ? [] : [
      `${emptied} compressed chunk(s) of hypertables: their compressed rows were counted, and not the rows inserted into them since they were compressed`,
    ],
  };
}
