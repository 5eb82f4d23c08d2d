import { findRun } from "../db/benchmarks/records.ts";
import { connectSql, type Target } from "../db/connection.ts";
import { migrate } from "../db/migrate.ts";
import { migrations } from "../db/migrations/list.ts";
import { openRecords } from "../db/records/records.ts";
import { createLogger } from "../log.ts";
import type { BenchmarkCase } from "../services/benchmarks/case.ts";
import type { Measuring } from "../services/benchmarks/measuring/profiles.ts";
import type { StoredResult } from "../services/benchmarks/run.ts";
import { storedRunOf } from "../services/benchmarks/running/stored.ts";
import { createBenchmarks } from "../services/benchmarks/service.ts";
import { systemClock } from "../lib/clock.ts";
import { createHub } from "../services/live/hub.ts";

/** Runs the cases once on `target`, as a run of the API does, and returns their results with samples. */
export async function measureOnce(
  target: Target,
  cases: readonly BenchmarkCase[],
  { measuring, seed }: { measuring: Measuring; seed: number },
): Promise<StoredResult[]> {
  const connect = {
    target,
    applicationName: "holdfast-bench",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
  };
  const migrating = connectSql({ ...connect, max: 1, pooled: false });
  await migrate(migrating, migrations);
  await migrating.end();
  const records = openRecords({ ...connect, pooler: { pooled: false } });
  const benchmarks = createBenchmarks({
    cases,
    target,
    pooler: { pooled: false },
    records: records.db,
    hub: createHub({ clock: systemClock }),
    clock: systemClock,
    log: createLogger({ level: "warn", write: (line) => console.error(line) }),
    measuring: { quick: measuring, full: measuring },
    newSeed: () => seed,
  });
  try {
    const { id } = await benchmarks.startRun({ profile: "quick", force: true });
    await benchmarks.waitForRun(id);
    const row = await findRun(records.db, id);
    return row ? storedRunOf(row).results : [];
  } finally {
    await benchmarks.stop();
    await records.end();
  }
}
