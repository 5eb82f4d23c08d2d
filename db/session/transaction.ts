import type { Sql } from "../connection.ts";
import { isUnreachable, markCommit } from "../errors.ts";
import type { Isolation } from "./start.ts";

/** How transactions are opened on a client. It hangs on the client itself, which is handed from hand to hand. */
export interface Openings {
  /** The client that sends each statement unchanged. */
  plain: Sql;
  opening(isolation: Isolation): string;
}

/** Where a client behind a pooler keeps its `Openings`. */
export const openings = Symbol("openings");

function openingsOf(sql: Sql): Openings | undefined {
  return (sql as { [openings]?: Openings })[openings];
}

/**
 * Runs `work` in one transaction on a client of a single connection. A commit that Postgres turns into a rollback
 * (a statement failed and its error was swallowed) is an error here: acknowledged must mean committed.
 */
export async function inTransaction<T>(
  sql: Sql,
  work: (sql: Sql) => Promise<T>,
  { isolation = "read committed" }: { isolation?: Isolation } = {},
): Promise<T> {
  const pooled = openingsOf(sql);
  const plain = pooled?.plain ?? sql;
  const direct = isolation === "read committed" ? "begin" : `begin isolation level ${isolation}`;
  return await openAndCommit(plain, pooled?.opening(isolation) ?? direct, work);
}

/** The same with a given statement that opens the transaction. */
export async function openAndCommit<T>(
  sql: Sql,
  opening: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  try {
    await sql.unsafe(opening);
    const answer = await work(sql);
    const { command } = await sql`commit`.catch(throwMarked);
    if (command !== "COMMIT") throw new Error(`The transaction ended with ${command}`);
    return answer;
  } catch (error) {
    // On a lost connection there is nothing to roll back, and postgres.js never settles a query that comes
    // between its socket's error and its close.
    if (!isUnreachable(error)) await rollback(sql);
    throw error;
  }
}

const throwMarked = (error: unknown): never => {
  throw markCommit(error);
};

/** What the work of a pipelined transaction returns. */
export interface Pipelined<T> {
  answer: T;
  /** The statements that were sent and not awaited, in their order; the commit follows them at once. */
  last: readonly Promise<unknown>[];
}

/** The work of a pipelined transaction. It awaits `opened` before it changes anything. */
export type PipelinedWork<T> = (sql: Sql, opened: Promise<void>) => Promise<Pipelined<T>>;

/**
 * Runs `work` in one transaction like `inTransaction`, in fewer round trips: the first statements are sent together with
 * `begin`, and `commit` together with the last. When one of the last fails, Postgres turns the commit into a rollback, and
 * the error of the first that failed is thrown: those behind it fail because of it.
 */
export async function inPipelinedTransaction<T>(sql: Sql, work: PipelinedWork<T>): Promise<T> {
  const pooled = openingsOf(sql);
  const plain = pooled?.plain ?? sql;
  try {
    const opened = plain.unsafe(pooled?.opening("read committed") ?? "begin").then(() => {});
    opened.catch(() => {}); // thrown below
    const { answer, last } = await work(plain, opened);
    for (const statement of last) statement.catch(() => {}); // thrown below
    await opened;
    const committing = plain`commit`.execute();
    committing.catch(() => {}); // thrown below, or explained by the error of `last`
    for (const statement of last) await statement;
    const { command } = await committing.catch(throwMarked);
    if (command !== "COMMIT") throw new Error(`The transaction ended with ${command}`);
    return answer;
  } catch (error) {
    if (!isUnreachable(error)) await rollback(plain);
    throw error;
  }
}

/** Runs `work` behind a savepoint of an open transaction: when it fails, only what it did is undone. */
export async function behindSavepoint<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql`savepoint holdfast_step`;
  try {
    const answer = await work();
    await sql`release savepoint holdfast_step`;
    return answer;
  } catch (error) {
    if (!isUnreachable(error)) await sql`rollback to savepoint holdfast_step`;
    throw error;
  }
}

async function rollback(sql: Sql): Promise<void> {
  try {
    await sql`rollback`;
  } catch {
    // the first error tells more
  }
}

/**
 * The client for a statement that no transaction may hold (VACUUM, DETACH CONCURRENTLY). Behind a pooler it runs with the
 * server's own settings: the caller limits it by other means.
 */
export function outsideTransaction(sql: Sql): { plain: Sql; pooled: boolean } {
  const pooled = openingsOf(sql);
  return { plain: pooled?.plain ?? sql, pooled: pooled !== undefined };
}

/** Lets this transaction wait for a slow upload: the pool's limit would end it between two batches. */
export async function allowIdle(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('idle_in_transaction_session_timeout', ${String(ms)}, true)`;
}

/** Limits how long the statements of this transaction wait for a lock; milliseconds. */
export async function setLockTimeout(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${`${ms}ms`}, true)`;
}

/**
 * The same on every node that Citus uses in this transaction: it sends only SET LOCAL to the workers, and only if asked to.
 */
export async function setLockTimeoutEverywhere(sql: Sql, ms: number): Promise<void> {
  await sql.unsafe("set local citus.propagate_set_commands to 'local'");
  await sql.unsafe(`set local lock_timeout to '${Math.trunc(ms)}ms'`);
}

/** Limits how long each statement of this transaction runs; milliseconds, 0 for no limit. */
export async function setStatementTimeout(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('statement_timeout', ${String(ms)}, true)`;
}
