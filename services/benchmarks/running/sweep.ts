import { type ConnectOptions, connectSql } from "../../../db/connection.ts";
import { benchApplicationName, type BenchmarkLock } from "../../../db/benchmarks/lock.ts";
import { closeUnfinishedRuns } from "../../../db/benchmarks/records.ts";
import { dropSandbox, listSandboxes } from "../../../db/benchmarks/sandbox.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";

export type BenchConnect = Omit<ConnectOptions, "max" | "applicationName">;

/** Opens `max` connections of the benchmarks. */
export function connectBench(connect: BenchConnect, max: number) {
  return connectSql({ ...connect, max, applicationName: benchApplicationName });
}

/**
 * Removes what dead runs left: their sessions, their schemas, their claim to be running. The caller holds the
 * lock, and that proves that no run is alive. Answers the names of the schemas dropped.
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
  // A killed Holdfast's last statement may still run, and hold locks on the tables to be dropped.
  await lock.endOthers();
  const dropped = await dropAll(connect, log);
  const runs = await closeUnfinishedRuns(
    records,
    clock.now(),
    "Holdfast ended while the run was going on",
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
        // One that is locked, or another role's, waits for the next sweep and stops no run.
        log.warn("benchmark_schema_left", { schema, reason: describeDatabaseError(error) });
      }
    }
    return dropped;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}
