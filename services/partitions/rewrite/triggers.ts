import type { TableName } from "../../../db/partitions/ddl.ts";
import { quoteIdent, quoteTable } from "../../../db/sql.ts";

const quoted = ({ schema, table }: TableName) => quoteTable(schema, table);
const list = (columns: readonly string[], prefix = "") =>
  columns.map((column) => prefix + quoteIdent(column)).join(", ");
const same = (columns: readonly string[]) =>
  columns.map((column) => `s.${quoteIdent(column)} = old.${quoteIdent(column)}`).join(" and ");

/** The owner's rights, for those who write may not write elsewhere; no path, for nobody may slip in a name. */
function triggerFunction(name: string, body: string): string {
  return `create or replace function ${name}() returns trigger language plpgsql security definer ` +
    `set search_path = pg_catalog as $holdfast$\n${body}\n$holdfast$`;
}

/** Notes the keys of changed rows in the log. A truncate empties the shadow at once. */
export function capturingFunction(
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
 * Does to another table what was done to this one, in the writer's own transaction. A writer whose snapshot is older
 * than the other table's rows cannot find them: it is told to begin again, as it is by any concurrent change.
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
      "      raise exception 'could not serialize access: the table moves into partitions; try again'",
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

export const rowTrigger = "holdfast_move";
export const truncateTrigger = "holdfast_move_truncate";

/** Fires for everything that writes to a table, a subscription's own writes too. */
export function triggerStatements(table: TableName, functionName: string): string[] {
  const on = quoted(table);
  return [
    `create trigger ${rowTrigger} after insert or update or delete on ${on} for each row execute function ${functionName}()`,
    `create trigger ${truncateTrigger} after truncate on ${on} for each statement execute function ${functionName}()`,
    `alter table ${on} enable always trigger ${rowTrigger}`,
    `alter table ${on} enable always trigger ${truncateTrigger}`,
  ];
}

export function dropTriggerStatements(table: TableName): string[] {
  return [rowTrigger, truncateTrigger].map((name) =>
    `drop trigger if exists ${name} on ${quoted(table)}`
  );
}
