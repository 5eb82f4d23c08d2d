import type { ConnectOptions, Sql } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

export const benchApplicationName = "holdfast-bench";

/** Held while a run is active, so that no other run is active in any process. */
export interface BenchmarkLock {
  /** Terminates every other session of the benchmarks in this database. */
  endOthers(): Promise<void>;
  release(): Promise<void>;
}

/** Takes the lock of the benchmarks. Returns undefined when another run holds it. */
export async function takeBenchmarkLock(
  options: Omit<ConnectOptions, "max" | "applicationName">,
): Promise<BenchmarkLock | undefined> {
  const lock = await takeSessionLock("holdfast.benchmark", {
    ...options,
    applicationName: benchApplicationName,
  });
  return lock && { endOthers: () => endOthers(lock.sql), release: lock.release };
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
