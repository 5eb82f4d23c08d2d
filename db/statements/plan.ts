import { inStatementsSchema } from "../collectors/choose.ts";
import type { Sql } from "../connection.ts";
import { inTransaction, setLockTimeout, setStatementTimeout } from "../session/transaction.ts";
import { quoteIdent } from "../sql.ts";
import statementText from "./statement.sql" with { type: "text" };

/** A statement as pg_stat_statements has it, and the role that ran it. */
export interface StatementSource {
  /** Its text without constants; null when it is longer than what was asked for. */
  query: string | null;
  /** Null when the role has been dropped. */
  role: string | null;
  /** Whether it is the role of this session. */
  own: boolean;
  /** Whether this session may become that role. */
  may_become: boolean;
  /** The role of this session. */
  session_role: string;
  /** The database of this session. */
  database: string;
  /** The settings of the role and the database, as `name=value`; a later one overrides an earlier one. */
  settings: string[];
}

/** Returns a statement of this database; undefined when there is none. Its text has at most `charactersMax` characters. */
export async function readStatementSource(
  sql: Sql,
  schema: string,
  id: string,
  charactersMax: number,
): Promise<StatementSource | undefined> {
  const [row] = await sql.unsafe<StatementSource[]>(inStatementsSchema(statementText, schema), [
    id,
    charactersMax,
  ]);
  return row;
}

/** Settings of a role that its plans depend on, and that every role may set. */
const planSettings =
  /^(search_path|work_mem|hash_mem_multiplier|effective_cache_size|(random|seq)_page_cost|cpu_\w+_cost|parallel_\w+_cost|min_parallel_\w+_size|max_parallel_workers_per_gather|enable_\w+|(from|join)_collapse_limit|geqo\w*|constraint_exclusion|cursor_tuple_fraction)$/;

/** The search path of a role without a setting of its own. */
const usualPath = `"$user", public`;

function settingsOf({ settings }: Pick<StatementSource, "settings">): [string, string][] {
  const pairs = settings.map((one): [string, string] => {
    const at = one.indexOf("=");
    return [one.slice(0, at), one.slice(at + 1)];
  });
  return [...new Map([["search_path", usualPath], ...pairs])]
    .filter(([name]) => planSettings.test(name));
}

const planner = "pg_temp.holdfast_explain";
const prepared = "holdfast_plan";

/** Explains with parameters as they are (Postgres 16 and later). */
const genericBody = `
  execute 'explain (generic_plan, format json) ' || statement into plan;
  return plan;`;

/** Explains a prepared statement, for servers before 16; with null for each parameter, which a generic plan does not read. */
const preparedBody = `
  execute 'prepare ${prepared} as ' || statement;
  select string_agg('null', ', ')
  into holes
  from pg_catalog.pg_prepared_statements as p
  cross join lateral unnest(p.parameter_types) as t
  where p.name = '${prepared}';
  execute 'explain (format json) execute ${prepared}' || coalesce('(' || holes || ')', '') into plan;
  execute 'deallocate ${prepared}';
  return plan;
exception when query_canceled or others then
  -- A prepared statement outlives its transaction.
  if exists (select from pg_catalog.pg_prepared_statements where name = '${prepared}') then
    execute 'deallocate ${prepared}';
  end if;
  raise;`;

const createPlanner = (version: number) => `
  create function ${planner} (statement text) returns json
  language plpgsql
  security definer
  as $function$
  declare
    plan json;
    holes text;
  begin${version >= 160_000 ? genericBody : preparedBody}
  end
  $function$`;

/** Thrown to end the transaction with a rollback. */
class PlanMade extends Error {}

/**
 * Returns the generic plan of a statement, as EXPLAIN (FORMAT JSON) returns it. The statement is not executed.
 *
 * Planning may call functions that the author of the statement wrote. So it is planned with the rights of the role that ran
 * it, in a function of that role with SECURITY DEFINER: code in it cannot return to the role of this session, as it could
 * after SET ROLE. The function is temporary, the transaction becomes read-only before the function runs, and is rolled back.
 * Throws the server's error.
 */
export async function explainGenericPlan(
  plain: Sql,
  { text, version, source, timeoutMs, lockTimeoutMs }: {
    text: string;
    /** Of the server, such as 160004. */
    version: number;
    source: Pick<StatementSource, "own" | "role" | "settings">;
    /** Longest that the planning may take; milliseconds. */
    timeoutMs: number;
    lockTimeoutMs: number;
  },
): Promise<unknown> {
  let plan: unknown;
  try {
    await inTransaction(plain, async (sql) => {
      await setStatementTimeout(sql, timeoutMs);
      await setLockTimeout(sql, lockTimeoutMs);
      if (!source.own) await sql.unsafe(`set local role ${quoteIdent(source.role ?? "")}`);
      await sql.unsafe(createPlanner(version));
      if (!source.own) await sql.unsafe("set local role none");
      for (const [name, value] of settingsOf(source)) {
        await sql`select set_config(${name}, ${value}, true)`;
      }
      await sql`select set_config('plan_cache_mode', 'force_generic_plan', true)`;
      await sql.unsafe("set transaction read only");
      const [row] = await sql.unsafe<{ plan: unknown }[]>(
        `select ${planner}($1::text) as plan`,
        [text],
      );
      plan = row?.plan;
      throw new PlanMade();
    });
  } catch (error) {
    if (!(error instanceof PlanMade)) throw error;
  }
  return plan;
}
