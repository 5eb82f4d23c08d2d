import { type ConnectOptions, connectSql, type Sql } from "../connection.ts";
import { openingStatement } from "../session/start.ts";

export const benchApplicationName = "holdfast-bench";
const lockKey = "holdfast.benchmark";
/** Below the idle timeout of our connections, because the lock ends with its session; milliseconds. */
const keepAliveMs = 60_000;

/** Held while a run is active, so that no other run is active in any process. */
export interface BenchmarkLock {
  /** Terminates every other session of the benchmarks in this database. */
  endOthers(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock of the benchmarks on a client with one connection. Returns undefined when another run holds it. Behind a
 * transaction-mode pooler only a transaction keeps its session, so the lock is held by a transaction there. A reserved
 * connection will not do: postgres.js ends the process when one that was lost is used or released.
 */
export async function takeBenchmarkLock(
  options: Omit<ConnectOptions, "max" | "applicationName">,
): Promise<BenchmarkLock | undefined> {
  const sql = connectSql({ ...options, max: 1, applicationName: benchApplicationName });
  const keepAlive = setInterval(() => sql`select 1`.catch(() => {}), keepAliveMs);
  // The server releases the lock when the session ends.
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
