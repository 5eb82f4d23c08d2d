import type { Sql } from "../../connection.ts";
import { dollarQuote, quoteIdent } from "../../sql.ts";
import {
  type LockedStatement,
  quoteColumns as list,
  quoteName as quoted,
  type TableName,
  withLock,
} from "../ddl.ts";

const same = (columns: readonly string[]) =>
  columns.map((column) => `s.${quoteIdent(column)} = old.${quoteIdent(column)}`).join(" and ");

/**
 * Returns a trigger function that runs with its owner's rights, for writers may lack rights on the other table, and with a
 * fixed search path, so that no other schema can supply a name.
 */
function triggerFunction(name: string, body: string): string {
  return `create or replace function ${name}() returns trigger language plpgsql security definer ` +
    `set search_path = pg_catalog as ${dollarQuote(`\n${body}\n`)}`;
}

/** Returns the function that records the keys of changed rows in the log. A truncate empties the new table at once. */
function capturingFunction(
  name: string,
  { log, shadow, identity }: { log: string; shadow: TableName; identity: readonly string[] },
): string {
  const note = (row: string) =>
    `insert into ${log} (${list(identity)}) values (${list(identity, `${row}.`)});`;
  return triggerFunction(
    name,
    [
      "begin",
      `  if tg_op = 'TRUNCATE' then truncate ${quoted(shadow)}, ${log}; return null; end if;`,
      `  if tg_op <> 'INSERT' then ${note("old")} end if;`,
      "  if tg_op = 'UPDATE' then",
      `    if (${list(identity, "new.")}) is distinct from (${list(identity, "old.")}) then ${
        note("new")
      } end if;`,
      "  elsif tg_op = 'INSERT' then",
      `    ${note("new")}`,
      "  end if;",
      "  return null;",
      "end",
    ].join("\n"),
  );
}

/**
 * Returns the function that repeats each write on another table, in the writer's transaction. A writer whose snapshot is
 * older than the other table's rows cannot find them: it gets serialization_failure, as after any concurrent change.
 */
export function mirroringFunction(
  name: string,
  { to, columns, identity }: {
    to: TableName;
    columns: readonly string[];
    identity: readonly string[];
  },
): string {
  return triggerFunction(
    name,
    [
      "declare found_rows bigint;",
      "begin",
      `  if tg_op = 'TRUNCATE' then truncate ${quoted(to)}; return null; end if;`,
      "  if tg_op <> 'INSERT' then",
      `    delete from ${quoted(to)} as s where ${same(identity)};`,
      "    get diagnostics found_rows = row_count;",
      "    if found_rows <> 1 then",
      "      raise exception 'could not serialize access: the table is being rewritten into partitions; try again'",
      "        using errcode = 'serialization_failure';",
      "    end if;",
      "  end if;",
      "  if tg_op <> 'DELETE' then",
      `    insert into ${quoted(to)} (${list(columns)}) overriding system value values (${
        list(columns, "new.")
      });`,
      "  end if;",
      "  return null;",
      "end",
    ].join("\n"),
  );
}

const rowTrigger = "holdfast_move";
const truncateTrigger = "holdfast_move_truncate";

/** Returns the triggers that fire for every write to a table, those of a subscription included. */
export function triggerStatements(table: TableName, functionName: string): string[] {
  const on = quoted(table);
  return [
    `create trigger ${rowTrigger} after insert or update or delete on ${on} for each row execute function ${functionName}()`,
    `create trigger ${truncateTrigger} after truncate on ${on} for each statement execute function ${functionName}()`,
    `alter table ${on} enable always trigger ${rowTrigger}`,
    `alter table ${on} enable always trigger ${truncateTrigger}`,
  ];
}

/**
 * Returns whether every write to a table, or to its partitions, has fired these triggers since they were made: whoever
 * disables them and enables them again does not make them fire always, as they did.
 */
export async function hasAlwaysFired(sql: Sql, table: TableName): Promise<boolean> {
  const [row] = await sql<{ fired: boolean }[]>`
    with recursive family as (
      select
        to_regclass(${quoted(table)}::text)::oid as oid,
        true as is_root
      union all
      select
        i.inhrelid,
        false
      from family as f
      join pg_inherits as i on i.inhparent = f.oid
    )
    select
      count(*) filter (where f.is_root and g.tgenabled = 'A') = 2
        and bool_and(g.tgenabled <> 'D') as fired
    from family as f
    join pg_trigger as g on g.tgrelid = f.oid
    where g.tgname in (${rowTrigger}, ${truncateTrigger})`;
  return row?.fired === true;
}

/** Returns what drops these triggers. */
export function dropTriggerStatements(table: TableName): string[] {
  return [rowTrigger, truncateTrigger].map((name) =>
    `drop trigger if exists ${name} on ${quoted(table)}`
  );
}

/** Returns what creates the log of changed keys of `source`, and the triggers that fill it. */
export function captureStatements(
  { source, log, forward, shadow, identity }: {
    source: TableName;
    log: string;
    forward: string;
    shadow: TableName;
    identity: readonly string[];
  },
): { log: LockedStatement[]; triggers: LockedStatement[] } {
  const name = `${source.schema}.${source.table}`;
  return {
    log: [
      {
        sql: `create table ${log} as select 0::bigint as holdfast_n, ${list(identity)} from ${
          quoted(source)
        } with no data`,
        lock: `ACCESS SHARE on ${name}`,
      },
      {
        sql:
          `alter table ${log} alter holdfast_n set not null, alter holdfast_n add generated always as identity, add primary key (holdfast_n)`,
        lock: `none but on the new ${shadow.schema}.${shadow.table}`,
      },
      { sql: capturingFunction(forward, { log, shadow, identity }), lock: "none" },
    ],
    triggers: withLock(`SHARE ROW EXCLUSIVE on ${name}`, triggerStatements(source, forward)),
  };
}

/** Returns what drops the trigger function and the log. */
export function dropCaptureStatements({ log, forward }: { log: string; forward: string }) {
  return [`drop function if exists ${forward}()`, `drop table if exists ${log}`];
}
