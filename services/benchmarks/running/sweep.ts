import { type ConnectOptions, connectSql } from "../../../db/connection.ts";
import { benchApplicationName, type BenchmarkLock } from "../../../db/benchmarks/lock.ts";
import { closeUnfinishedRuns } from "../../../db/benchmarks/records.ts";
import { dropSandbox, listSandboxes } from "../../../db/benchmarks/sandbox.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";

export type BenchConnect = Omit<ConnectOptions, "max" | "applicationName">;

/** Opens a client of the benchmarks with `max` connections. */
export function connectBench(connect: BenchConnect, max: number) {
  return connectSql({
    ...connect,
    max,
    applicationName: benchApplicationName,
  });
}

/**
 * Removes what runs left that ended without clean-up: sessions, schemas, and records that still say "running". The caller
 * holds the lock, which proves that no run is active. Returns the names of the schemas dropped.
 */
export async function sweep(
  { lock, connect, records, clock, log }: {
    lock: BenchmarkLock;
    connect: BenchConnect;
    records: RecordsDb;
    clock: Clock;
    log: Logger;
  },
): Promise<string[]> {
  // The last statement of a killed process may still run and hold locks on the tables to drop.
  await lock.endOthers();
  const dropped = await dropAll(connect, log);
  const runs = await closeUnfinishedRuns(
    records,
    clock.now(),
    "Holdfast ended while the run was active",
  );
  if (dropped.length + runs.length > 0) log.info("benchmark_orphans_swept", { dropped, runs });
  return dropped;
}

async function dropAll(connect: BenchConnect, log: Logger): Promise<string[]> {
  const sql = connectBench(connect, 1);
  const dropped: string[] = [];
  try {
    for (const schema of await listSandboxes(sql)) {
      try {
        await dropSandbox(sql, schema);
        dropped.push(schema);
      } catch (error) {
        // A schema that is locked or owned by another role is left for the next sweep and stops no run.
        log.warn("benchmark_schema_left", { schema, reason: describeDatabaseError(error) });
      }
    }
    return dropped;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}
