import { type ConnectOptions, connectSql, type Sql } from "../connection.ts";
import { openingStatement } from "../session/start.ts";

export const benchApplicationName = "holdfast-bench";
const lockKey = "holdfast.benchmark";
/** Well under the idle timeout of our connections: the lock lives as long as its session. */
const keepAliveMs = 60_000;

/** Held while a run lives: whoever holds it knows that no other run does, in any process. */
export interface BenchmarkLock {
  /** Ends every other session of the benchmarks in this database; its statements fail at once. */
  endOthers(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the one lock of the benchmarks on a client of one connection, or answers undefined when another run has it.
 * Behind a transaction-mode pooler only a transaction keeps a session, so there the lock lives in one.
 * (Not on a reserved connection: postgres.js ends the process when one that was lost is used or released.)
 */
export async function takeBenchmarkLock(
  options: Omit<ConnectOptions, "max" | "applicationName">,
): Promise<BenchmarkLock | undefined> {
  const sql = connectSql({ ...options, max: 1, applicationName: benchApplicationName });
  const keepAlive = setInterval(() => sql`select 1`.catch(() => {}), keepAliveMs);
  // The server frees the lock with the session, however that ends.
  const release = async () => {
    clearInterval(keepAlive);
    await sql.end({ timeout: 1 }).catch(() => {});
  };
  try {
    if (options.pooled) await sql.unsafe(openingStatement(options));
    const [row] = options.pooled
      ? await sql`select pg_try_advisory_xact_lock(hashtextextended(${lockKey}, 0)) as taken`
      : await sql`select pg_try_advisory_lock(hashtextextended(${lockKey}, 0)) as taken`;
    if (!row?.taken) {
      await release();
      return undefined;
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { endOthers: () => endOthers(sql), release };
}

async function endOthers(sql: Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where application_name = ${benchApplicationName}
      and datname = current_database()
      and usename = current_user
      and pid <> pg_backend_pid()`;
}
