import type { Tier } from "../../db/collectors/collector.ts";
import { tierOf } from "../../db/collectors/list.ts";
import { createPool, type Pool } from "../../db/pool/pool.ts";
import type { Target } from "../../db/connection.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { levelsOf } from "../../services/monitor/history/levels.ts";
import { createRecorder } from "../../services/monitor/history/recorder.ts";
import type { Sample } from "../../services/monitor/history/sample_queue.ts";
import { signals } from "../../services/monitor/signals/list.ts";

const minute = 60_000;
const everyMs: Record<Tier, number> = {
  fast: 5_000,
  stats: 30_000,
  slow: 5 * minute,
  hourly: 60 * minute,
};
/** A app of twenty tables with a sequence each, three slots and two standbys. */
const scopes = {
  table: 20,
  sequence: 20,
  slot: 3,
  standby: 2,
  archiver: 0,
  collector: 0,
  node: 0,
  job: 0,
};
const own = ["database_down", "ticks_per_second", "pool_utilization", "pool_active", "pool_waiting"]
  .concat(["pool_acquire_wait_p95_ms", "pool_acquire_wait_p99_ms"]);

/** Every signal there is, with its cadence, at realistic scopes. */
export function everySeries(): { name: string; scope: string; everyMs: number }[] {
  return [
    ...signals.flatMap(({ name, of, collector }) => {
      const cadence = everyMs[tierOf(collector)];
      return of
        ? Array.from({ length: scopes[of] }, (_, i) => ({
          name,
          scope: `shop.${of}_${i}`,
          everyMs: cadence,
        }))
        : [{ name, scope: "", everyMs: cadence }];
    }),
    ...own.map((name) => ({ name, scope: "", everyMs: everyMs.fast })),
    ...["partition_runway_seconds", "partition_holes", "partition_default_rows"]
      .map((name) => ({ name, scope: "market.ticks", everyMs: everyMs.stats })),
  ];
}

export function openWriter(target: Target, statementTimeoutMs = 10_000): Pool {
  return createPool({
    target,
    pooler: { pooled: false },
    waitingMax: 100,
    max: 1,
    applicationName: "holdfast-monitor",
    statementTimeoutMs,
    lockTimeoutMs: 200,
  });
}

export const defaultLevels = levelsOf({
  HOLDFAST_HISTORY_RAW_HOURS: 6,
  HOLDFAST_HISTORY_MINUTE_DAYS: 3,
  HOLDFAST_HISTORY_QUARTER_HOUR_DAYS: 30,
  HOLDFAST_HISTORY_DAY_DAYS: 730,
});

/** A recorder on a clock that the test moves. */
export function recorderAt(pool: Pool, from: number, limits?: { waiting: number; series: number }) {
  let at = from;
  const logs: LogFields[] = [];
  const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });
  const recorder = createRecorder({
    pool,
    levels: defaultLevels,
    now: () => at,
    log,
    ...(limits ? { limits } : {}),
  });
  return { recorder, logs, now: () => at, moveTo: (time: number) => void (at = time) };
}

/** Drives a recorder through `hours` as the monitor would at its default cadences, twenty minutes at a time. */
export async function liveThrough(
  app: ReturnType<typeof recorderAt>,
  hours: number,
  valueAt: (name: string, at: number) => number,
): Promise<void> {
  const series = everySeries();
  const end = app.now() + hours * 60 * minute;
  for (let from = app.now(); from < end; from += 20 * minute) {
    const to = from + 20 * minute;
    const samples: Sample[] = [];
    for (const { name, scope, everyMs: cadence } of series) {
      for (let at = Math.ceil(from / cadence) * cadence; at < to; at += cadence) {
        samples.push({ at, name, scope, value: valueAt(name, at) });
      }
    }
    app.recorder.add(samples.sort((a, b) => a.at - b.at));
    app.moveTo(to);
    await app.recorder.upkeep();
  }
}
