import type { Sql } from "../connection.ts";
import { codeOf, driverError } from "../errors.ts";
import { sqlState } from "../sql_state.ts";
import { quoteTable } from "../sql.ts";
import { messageOf } from "../../errors.ts";
import { listStoredTables, type StoredTable } from "../timescale/stored_rows.ts";

/** Lists the databases that allow connections, templates left out. */
export async function listDatabases(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select datname
    from pg_database
    where datallowconn and not datistemplate`;
  return rows.map(({ datname }) => datname);
}

/** Returns whether the cluster has data checksums. */
export async function hasDataChecksums(sql: Sql): Promise<boolean> {
  const [row] = await sql`select current_setting('data_checksums') as setting`;
  return row?.setting === "on";
}

/** Returns a superuser of the cluster, who may install amcheck. */
export async function findSuperuser(sql: Sql): Promise<string | undefined> {
  const [row] = await sql`
    select rolname
    from pg_roles
    where rolsuper and rolcanlogin
    order by oid
    limit 1`;
  return row?.rolname;
}

export interface AmcheckResult {
  problems: string[];
  tables: number;
  indexes: number;
  /** Relations that were left out for lack of time. */
  left: number;
  /** Indexes that were left out because this machine lacks a library of an extension. */
  unloadable: number;
  /** Whether the extension cannot be installed. */
  missing: boolean;
}

/** Says whether the server found no library for a function: this machine lacks the extension, and nothing is damaged. */
const lacksLibrary = (error: unknown): boolean =>
  codeOf(error) === sqlState.undefinedFile &&
  (driverError(error) as { file?: unknown }).file === "dfmgr.c";

/** Says whether an error shows that the machine ran out of disk, memory or connections (class 53), and nothing else. */
export const isOutOfResources = (error: unknown): boolean =>
  /^(53|ENOSPC$)/.test(codeOf(error)) ||
  /No space left on device|Cannot allocate memory/.test(messageOf(error));

/**
 * Runs amcheck over tables and B-tree indexes of one database, small ones first, until `deadline` (performance.now()). Throws
 * when the machine runs out of disk or memory.
 */
export async function runAmcheck(sql: Sql, deadline: number): Promise<AmcheckResult> {
  const result: AmcheckResult = {
    problems: [],
    tables: 0,
    indexes: 0,
    left: 0,
    unloadable: 0,
    missing: false,
  };
  try {
    await sql.unsafe("create extension if not exists amcheck with schema pg_catalog");
  } catch (error) {
    if (
      ![sqlState.featureNotSupported, sqlState.undefinedFile, sqlState.insufficientPrivilege]
        .includes(codeOf(error))
    ) throw error;
    return { ...result, missing: true };
  }
  const relations = await sql`
    select
      c.oid::int8::text as oid,
      n.nspname || '.' || c.relname as name,
      c.relkind as kind
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_index as i on i.indexrelid = c.oid
    join pg_am as a on a.oid = c.relam
    where c.relpersistence = 'p'
      and (c.relkind in ('r', 't', 'm') and a.amname = 'heap'
        or c.relkind = 'i' and a.amname = 'btree' and i.indisvalid and i.indisready)
    order by c.relpages, c.oid`;
  for (const { oid, name, kind } of relations) {
    if (performance.now() > deadline || result.problems.length >= 20) {
      result.left++;
      continue;
    }
    try {
      if (kind === "i") {
        result.indexes++;
        await sql`select bt_index_check(${oid}::oid::regclass, true)`;
      } else {
        result.tables++;
        const found = await sql`
          select
            blkno,
            msg
          from verify_heapam(${oid}::oid::regclass, on_error_stop => true)
          limit 3`;
        for (const { blkno, msg } of found) result.problems.push(`${name}: block ${blkno}: ${msg}`);
      }
    } catch (error) {
      if (isOutOfResources(error)) throw error;
      if (lacksLibrary(error)) result.unloadable++;
      else result.problems.push(`${name}: ${messageOf(error)}`);
    }
  }
  return result;
}

/** A leaf of a managed table, or a table of a hypertable, with its number of rows. */
export interface LeafRows {
  oid: string;
  name: string;
  rows: bigint;
}

/** Counts the rows of each leaf of the tables that have a policy, newest leaf first, until `deadline`. */
export async function countLeaves(sql: Sql, deadline: number): Promise<LeafRows[]> {
  const [known] = await sql`select to_regclass('holdfast.partition_policies') is not null as yes`;
  if (!known?.yes) return [];
  const leaves = await sql<StoredTable[]>`
    select
      c.oid::int8::text as oid,
      n.nspname,
      c.relname
    from holdfast.partition_policies as p
    join pg_namespace as s on s.nspname = p.schema_name
    join pg_class as t on t.relname = p.table_name and t.relnamespace = s.oid
    cross join lateral pg_partition_tree(t.oid::regclass) as tree
    join pg_class as c on c.oid = tree.relid
    join pg_namespace as n on n.oid = c.relnamespace
    where tree.isleaf and c.relkind = 'r'
    order by c.oid desc`;
  return await countEach(sql, leaves, deadline);
}

/** Counts the rows of hypertables as they are stored, chunk by chunk, until `deadline`; `notes` say what that leaves out. */
export async function countHypertables(
  sql: Sql,
  deadline: number,
): Promise<{ leaves: LeafRows[]; notes: string[] }> {
  const { tables, notes } = await listStoredTables(sql);
  const leaves = await countEach(sql, tables, deadline);
  const left = tables.length - leaves.length;
  const late = `${left} table(s) of hypertables were not counted in time`;
  return { leaves, notes: left > 0 ? [...notes, late] : notes };
}

async function countEach(
  sql: Sql,
  tables: readonly StoredTable[],
  deadline: number,
): Promise<LeafRows[]> {
  const counted: LeafRows[] = [];
  for (const { oid, nspname, relname } of tables) {
    if (performance.now() > deadline) break;
    const [row] = await sql.unsafe(`select count(*) as n from ${quoteTable(nspname, relname)}`);
    counted.push({ oid, name: `${nspname}.${relname}`, rows: BigInt(row?.n) });
  }
  return counted;
}

/** Returns the next transaction id of the cluster. */
export async function nextTransaction(sql: Sql): Promise<bigint> {
  const [row] = await sql`select pg_snapshot_xmax(pg_current_snapshot())::text as next`;
  return BigInt(row?.next);
}

/** Returns which of these transactions have committed. */
export async function committedOf(sql: Sql, ids: readonly bigint[]): Promise<Set<string>> {
  const rows = await sql`
    select id
    from unnest(${ids.map(String)}::text[]) as id
    where pg_xact_status(id::xid8) = 'committed'`;
  return new Set(rows.map(({ id }) => id));
}

export interface RowsByTransaction {
  /** Null: of a transaction that ended before `first`. */
  transaction: bigint | null;
  rows: bigint;
}

/**
 * Counts the rows that a leaf had when `until` was the next transaction id. Rows of transactions from `first` on are
 * counted by transaction, so that those which had not committed then can be left out. Undefined when the leaf is gone.
 */
export async function countAsOf(
  sql: Sql,
  { oid, first, until }: { oid: string; first: bigint; until: bigint },
): Promise<RowsByTransaction[] | undefined> {
  const [leaf] = await sql`
    select
      n.nspname,
      c.relname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = ${oid}::oid`;
  if (!leaf) return undefined;
  const rows = await sql.unsafe(
    `with aged as (
      select (xmin::text::int8 - $1::int8) & 4294967295 as age
      from ${quoteTable(leaf.nspname, leaf.relname)}
    )
    select
      case when age < $2::int8 then age end::text as age,
      count(*)::text as n
    from aged
    where age < $2::int8
      or age >= (pg_snapshot_xmax(pg_current_snapshot())::text::int8 - $3::int8)
    group by 1`,
    [String(first % 4_294_967_296n), String(until - first), String(first)],
  );
  return rows.map(({ age, n }) => ({
    transaction: age === null ? null : first + BigInt(age),
    rows: BigInt(n),
  }));
}
