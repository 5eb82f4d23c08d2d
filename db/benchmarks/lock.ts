import { type ConnectOptions, connectSql, type Sql } from "../connection.ts";

export const benchApplicationName = "holdfast-bench";
const lockKey = "holdfast.benchmark";

/** Held while a run lives: whoever holds it knows that no other run does, in any process. */
export interface BenchmarkLock {
  /** Ends every other session of the benchmarks in this database; its statements fail at once. */
  endOthers(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the one lock of the benchmarks on a connection of its own, or answers undefined when another run has it.
 * Behind a transaction-mode pooler only a transaction keeps a connection, so there the lock lives in one.
 */
export async function takeBenchmarkLock(
  options: Omit<ConnectOptions, "max" | "applicationName">,
): Promise<BenchmarkLock | undefined> {
  const client = connectSql({ ...options, max: 1, applicationName: benchApplicationName });
  const end = () => client.end({ timeout: 1 }).catch(() => {});
  try {
    const reserved = await client.reserve();
    if (options.pooled) await reserved`begin`;
    const [row] = options.pooled
      ? await reserved`select pg_try_advisory_xact_lock(hashtextextended(${lockKey}, 0)) as taken`
      : await reserved`select pg_try_advisory_lock(hashtextextended(${lockKey}, 0)) as taken`;
    if (!row?.taken) {
      reserved.release();
      await end();
      return undefined;
    }
    return {
      endOthers: () => endOthers(reserved as unknown as Sql),
      // The server frees the lock with the session, however that ends.
      release: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
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
