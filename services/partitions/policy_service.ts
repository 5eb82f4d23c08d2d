import type { Config } from "../../config/config.ts";
import type { Sql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { listMaintenance, type LogEntry } from "../../db/partitions/records/log.ts";
import { type ParentRow, readParents } from "../../db/partitions/catalogue/parents.ts";
import {
  canonicalInterval,
  deletePolicy,
  holdPolicies,
  listPolicies,
  putPolicy,
  schemaExists,
} from "../../db/partitions/records/policies.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { createAxis, parseCount } from "./axis/axis.ts";
import { isForward, parseInterval } from "./axis/interval.ts";
import { codecs } from "./axis/key.ts";
import { effectivePolicy, type Policy, tableOf } from "./policy.ts";
import { leavesOfSpan, subPartitionsMax } from "./planning/subdividing.ts";
import { problemOf } from "./survey/survey.ts";
import { sqlState } from "../../db/sql_state.ts";

export type PolicyInput = Omit<Policy, "schema" | "table">;

/** Checks the present policy in the transaction that changes it; throws to prevent the change. */
type Check = ((current: Policy | undefined) => void) | undefined;

export interface Policies {
  list(): Promise<Policy[]>;
  /** Throws `not_found` when the table has none. */
  get(table: string): Promise<Policy>;
  /** Sets the policy of a table (`schema.name`, unquoted); answers it with its intervals as Postgres writes them. */
  put(table: string, input: PolicyInput, check?: Check): Promise<Policy>;
  /** Returns the completed policy without storing it, for a table that is not partitioned yet. */
  complete(table: string, input: PolicyInput): Promise<Policy>;
  remove(table: string, check?: Check): Promise<void>;
  log(options: { table?: string; before?: string; limit: number }): Promise<LogEntry[]>;
}

/** Common names of intervals. */
const usual: Record<string, string> = {
  hour: "1 hour",
  day: "1 day",
  week: "7 days",
  month: "1 mon",
  quarter: "3 mons",
  year: "1 year",
};

function refuse(path: string, message: string, cause?: unknown): never {
  throw new HoldfastError("invalid_request", `Cannot read the policy: ${path}: ${message}`, {
    problems: [{ path, message }],
    cause,
  });
}

async function intervalOf(sql: Sql, text: string, path: string): Promise<string> {
  try {
    return await canonicalInterval(sql, usual[text.toLowerCase()] ?? text);
  } catch (error) {
    if (
      ![
        sqlState.invalidDatetimeFormat,
        sqlState.datetimeFieldOverflow,
        sqlState.intervalFieldOverflow,
      ].includes(codeOf(error))
    ) throw error;
    refuse(path, `not a valid interval, such as "1 day"`, error);
  }
}

/** Returns a positive duration or number of ids; `allowNone` also allows zero. */
async function spanOf(sql: Sql, text: string, path: string, { number, allowNone }: {
  number: boolean;
  allowNone: boolean;
}): Promise<string> {
  if (number) return String(parseCount(text, path));
  const canonical = await intervalOf(sql, text, path);
  const interval = parseInterval(canonical);
  const none = interval.months === 0 && interval.days === 0 && interval.us === 0n;
  if (none ? !allowNone : !isForward(interval)) refuse(path, "must go forward");
  return canonical;
}

/** Finds a table by its unquoted name: whichever dot separates an existing schema and table. */
async function findTable(sql: Sql, name: string): Promise<ParentRow> {
  const splits = [...name.matchAll(/\./g)].map(({ index }) => ({
    schema: name.slice(0, index),
    table: name.slice(index + 1),
  })).filter(({ schema, table }) => schema !== "" && table !== "" && !name.includes("\0"));
  const [found] = await readParents(sql, splits);
  if (!found) throw new HoldfastError("not_found", `There is no table ${name}`);
  return found;
}

/** Throws when a table cannot be managed, such as Holdfast's own records. */
function refuseUnmanageable(row: ParentRow, policy: Policy): void {
  // A policy from before it became a hypertable may be turned off.
  if (row.hypertable && !policy.enabled) return;
  const problem = problemOf(row, policy);
  if (problem === undefined) return;
  const aboutKey = row.strategy === "r" && !row.has_expressions;
  refuse(aboutKey ? "key" : "table", problem);
}

/** Throws for settings that do not fit partitions that are partitioned themselves. */
function refuseSubInterval(policy: Policy, { partitioned }: { partitioned: boolean }): void {
  if (policy.sub_interval === null) return;
  if (!partitioned) refuse("sub_interval", "a conversion makes partitions that hold their rows");
  if (policy.seal) refuse("seal", "partitions that are partitioned themselves are not sealed");
  const action = policy.retention?.action ?? "detach";
  if (action !== "detach" && action !== "drop") {
    refuse("retention.action", "with a sub_interval partitions are detached or dropped as a whole");
  }
  const axis = createAxis(policy);
  const pieces = leavesOfSpan(policy, axis.grid.slotOf(axis.atInstant(0n) ?? 0n));
  if (pieces < 2 || pieces > subPartitionsMax) {
    refuse(
      "sub_interval",
      pieces < 2
        ? "must be shorter than the interval"
        : `cuts a partition into more than ${subPartitionsMax} pieces`,
    );
  }
}

export function createPolicies(
  { pool, config, onChange = () => {} }: {
    pool: Pool;
    config: Pick<Config, "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS">;
    onChange?: () => void;
  },
): Policies {
  const list = () =>
    pool.run(async (sql) => (await listPolicies(sql)).map((row) => effectivePolicy(row, config)));

  /** Does `work` if `check` accepts the policy, or without a check. */
  async function checked<T>(
    table: string,
    check: Check,
    work: (sql: Sql) => Promise<T>,
  ): Promise<T> {
    if (!check) return await pool.run(work);
    return await pool.transaction(async (sql) => {
      await holdPolicies(sql);
      const all = (await listPolicies(sql)).map((row) => effectivePolicy(row, config));
      check(all.find((policy) => tableOf(policy) === table));
      return await work(sql);
    });
  }

  async function complete(
    sql: Sql,
    row: ParentRow,
    input: PolicyInput,
    { partitioned = true } = {},
  ): Promise<Policy> {
    const number = codecs[input.key].axis === "number";
    const { retention } = input;
    const policy: Policy = {
      ...input,
      schema: row.schema,
      table: row.table,
      interval: await spanOf(sql, input.interval, "interval", { number, allowNone: false }),
      sub_interval: input.sub_interval === null
        ? null
        : await spanOf(sql, input.sub_interval, "sub_interval", { number, allowNone: false }),
      cooldown: await spanOf(sql, input.cooldown, "cooldown", { number: false, allowNone: true }),
      retention: retention && {
        ...retention,
        keep: await spanOf(sql, retention.keep, "retention.keep", { number, allowNone: false }),
      },
    };
    createAxis(policy);
    refuseSubInterval(policy, { partitioned });
    if (partitioned) refuseUnmanageable(row, policy);
    const schema = retention?.schema;
    if (schema !== undefined && !await schemaExists(sql, schema)) {
      refuse("retention.schema", "there is no such schema");
    }
    return policy;
  }

  return {
    list,
    async get(table) {
      const found = (await list()).find((policy) => tableOf(policy) === table);
      if (!found) throw new HoldfastError("not_found", `${table} has no partition policy`);
      return found;
    },
    async put(table, input, check) {
      // Before the lock: reading the catalogue may wait for a session that alters the table.
      const policy = await pool.run(async (sql) =>
        await complete(sql, await findTable(sql, table), input)
      );
      await checked(table, check, (sql) => putPolicy(sql, policy));
      onChange();
      return policy;
    },
    complete: (table, input) =>
      pool.run(async (sql) =>
        await complete(sql, await findTable(sql, table), input, { partitioned: false })
      ),
    async remove(table, check) {
      if (table === "market.ticks") {
        throw new HoldfastError(
          "conflict",
          "Ticks need the policy of market.ticks; set enabled to false instead",
        );
      }
      const found = (await list()).find((policy) => tableOf(policy) === table);
      if (!found || !await checked(table, check, (sql) => deletePolicy(sql, found))) {
        throw new HoldfastError("not_found", `${table} has no partition policy`);
      }
      onChange();
    },
    log: (options) => pool.run((sql) => listMaintenance(sql, options)),
  };
}
