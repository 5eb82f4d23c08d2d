import { quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

/** Returns `schema.table` quoted; undefined where a dot within a name makes it ambiguous. */
function quoteScope(scope: string): string | undefined {
  const [schema, table, ...more] = scope.split(".");
  return schema && table && more.length === 0 ? quoteTable(schema, table) : undefined;
}

/** Returns the statement that vacuums the table `scope` (`schema.table`); undefined where the name is ambiguous. */
export function vacuumOf(scope: string, option: "analyze" | "freeze"): string | undefined {
  const table = quoteScope(scope);
  return table && `vacuum (${option}, verbose) ${table}`;
}

/** Returns the statement that analyzes the table `scope` (`schema.table`); undefined where the name is ambiguous. */
export function analyzeOf(scope: string): string | undefined {
  const table = quoteScope(scope);
  return table && `analyze ${table}`;
}

/**
 * Returns the statement that makes a column a bigint; `column` is `schema.table.column`. Returns undefined where a dot
 * within a name makes it ambiguous.
 */
export function widenColumn(path: string | null | undefined): string | undefined {
  const [schema, table, column, ...more] = path?.split(".") ?? [];
  if (!schema || !table || !column || more.length > 0) return undefined;
  return `alter table ${quoteTable(schema, table)} alter column ${quoteIdent(column)} type bigint`;
}

/**
 * Returns the statements that add partitions to a table, in one transaction; `from` and `to` are values of its key. They
 * wait at most two seconds for a lock.
 */
export function addPartitions(
  { schema, name }: { schema: string; name: string },
  leaves: readonly { name: string; from: string; to: string }[],
): string {
  const table = quoteTable(schema, name);
  const create = (leaf: (typeof leaves)[number]) =>
    `create table ${quoteTable(schema, leaf.name)} partition of ${table} for values from (${
      quoteLiteral(leaf.from)
    }) to (${quoteLiteral(leaf.to)})`;
  return ["begin", "set local lock_timeout = '2s'", ...leaves.map(create), "commit"].join("; ");
}

/** Returns the statement that lets pg_partman, installed in `partman`, add the partitions of a table. */
export const maintainByPartman = (partman: string, table: string): string =>
  `select ${quoteTable(partman, "run_maintenance")}(${quoteLiteral(table)})`;

/** Returns the statement that shows how pg_partman is configured for a table. */
export const readPartmanConfig = (partman: string, table: string): string =>
  `select * from ${quoteTable(partman, "part_config")} where parent_table = ${quoteLiteral(table)}`;

/** Returns the statement that drops a replication slot. */
export const dropSlot = (slot: string): string =>
  `select pg_drop_replication_slot(${quoteLiteral(slot)})`;

/** Returns the statement that rolls a prepared transaction back. */
export const rollbackPrepared = (gid: string): string => `rollback prepared ${quoteLiteral(gid)}`;

/** Returns the statement that shows why runs of a job of TimescaleDB failed; undefined: of all jobs. */
export function failedJobRuns(job: number | undefined): string {
  const which = job === undefined ? "" : ` where job_id = ${job}`;
  return `select * from timescaledb_information.job_errors${which} order by finish_time desc limit 20`;
}

/** Returns the statement that runs a job of TimescaleDB in the present session. */
export const runJob = (job: number): string => `call run_job(${job})`;
