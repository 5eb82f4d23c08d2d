import { createHash } from "node:crypto";
import type { Walsender } from "../backups/walsender.ts";
import type { Sql, Target } from "../connection.ts";
import { openRowReader, readRows, transferRows } from "../row_transfer.ts";
import { openAndCommit } from "../session/transaction.ts";
import { quoteIdent, quoteTable } from "../sql.ts";
import type { SequenceState, StoredTable } from "./inventory.ts";

/** The rows of a table: how many, and the SHA-256 of all of them as COPY writes them, in their order. */
export interface Content {
  rows: number;
  sha256: string;
}

/** Records in the new database which steps are done, each in the transaction of the step itself. */
export async function prepareSteps(sql: Sql): Promise<Set<string>> {
  await sql.unsafe(
    `create schema if not exists holdfast_upgrade;
    create table if not exists holdfast_upgrade.steps (step text primary key);`,
  );
  const rows = await sql<{ step: string }[]>`select step from holdfast_upgrade.steps`;
  return new Set(rows.map(({ step }) => step));
}

/** Forgets the steps of a database once all of it is compared. */
export const dropSteps = (sql: Sql) => sql.unsafe("drop schema if exists holdfast_upgrade cascade");

const record = (sql: Sql, step: string) =>
  sql`insert into holdfast_upgrade.steps (step) values (${step})`;

const psqlCommand = /^\\(un)?restrict \S+$/gm;

/**
 * Runs what pg_dump wrote for one section, and records the step, in one transaction. `sql` must be a client of its own of one
 * connection: pg_dump's output changes the settings of its session.
 */
export async function runSection(sql: Sql, step: string, dumped: string): Promise<void> {
  await openAndCommit(sql, "begin", async () => {
    await sql.unsafe(dumped.replaceAll(psqlCommand, ""));
    await record(sql, step);
  });
}

const list = (columns: readonly string[]) => columns.map(quoteIdent).join(", ");

/** Longest that one table may take to be read; milliseconds. */
const readMsMax = 24 * 3_600_000;

/** Opens a session that reads whole tables of `database`. */
export const openReader = (target: Target, database: string, signal: AbortSignal) =>
  openRowReader(target, {
    database,
    applicationName: "holdfast-upgrade",
    statementTimeoutMs: readMsMax,
    lockTimeoutMs: 10_000,
    signal,
  });

const copyOut = ({ schema, name }: StoredTable, columns: readonly string[]) =>
  `copy (select ${list(columns)} from only ${quoteTable(schema, name)}) to stdout`;

/**
 * Replaces the rows of a table in the new database by those of the old one, and records the step with them where one is named.
 */
export async function copyTable(
  { old, fresh, step }: { old: Walsender; fresh: Sql; step?: string },
  table: StoredTable,
): Promise<void> {
  const name = quoteTable(table.schema, table.name);
  await openAndCommit(fresh, "begin", async () => {
    await fresh.unsafe(`truncate only ${name}`);
    // A COPY without columns would read rows without end marks.
    if (table.writable.length > 0) {
      await transferRows({
        reader: old,
        from: copyOut(table, table.writable),
        sql: fresh,
        into: `copy ${name} (${list(table.writable)}) from stdin with (freeze)`,
      });
    }
    if (step !== undefined) await record(fresh, step);
  });
}

/** Reads all rows of a table and returns how many there are and their hash. */
export async function readContent(
  reader: Walsender,
  table: StoredTable,
): Promise<Content> {
  const hash = createHash("sha256");
  let rows = 0;
  for await (const bytes of readRows(reader, copyOut(table, table.columns))) {
    hash.update(bytes);
    // A line break inside a value is written as \n, so each byte 10 ends a row.
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) rows++;
  }
  return { rows, sha256: hash.digest("hex") };
}

/** Returns where sequences stand, as text that can be compared. */
export async function readSequences(
  sql: Sql,
  sequences: readonly SequenceState[],
): Promise<{ schema: string; name: string; value: string; called: boolean }[]> {
  const found = [];
  for (const { schema, name } of sequences) {
    const [row] = await sql.unsafe(
      `select last_value::text as value, is_called as called from ${quoteTable(schema, name)}`,
    );
    found.push({ schema, name, value: row?.value, called: row?.called });
  }
  return found;
}

/** Sets the sequences of the new database, and records the step. */
export async function setSequences(
  fresh: Sql,
  step: string,
  sequences: Awaited<ReturnType<typeof readSequences>>,
): Promise<void> {
  await openAndCommit(fresh, "begin", async () => {
    for (const { schema, name, value, called } of sequences) {
      await fresh`select setval(${
        quoteTable(schema, name)
      }::regclass, ${value}::bigint, ${called})`;
    }
    await record(fresh, step);
  });
}

/** Counts the rows of a table without reading them into this process. */
export async function countRows(sql: Sql, { schema, name }: StoredTable): Promise<number> {
  const [row] = await sql.unsafe(
    `select count(*)::float8 as rows from only ${quoteTable(schema, name)}`,
  );
  return row?.rows ?? 0;
}

/** Gathers the planner's statistics of a database. */
export const analyse = (sql: Sql) => sql.unsafe("analyze");
