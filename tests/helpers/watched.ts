import { createPool, type Pool } from "../../db/pool/pool.ts";
import type { Target } from "../../db/connection.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { systemClock } from "../../lib/clock.ts";
import { createChanges } from "../../services/monitor/diagnosis/changes.ts";
import { type Collection, createCollection } from "../../services/monitor/collect/collection.ts";
import { createDiskReader } from "../../services/monitor/collect/disk.ts";
import { deriveMetrics } from "../../services/monitor/signals/derived.ts";
import { signals } from "../../services/monitor/signals/list.ts";
import { readSignals, type SignalValue } from "../../services/monitor/signals/signal.ts";

const everyMs = { fast: 100, stats: 100, slow: 100, hourly: 100 };
const maxAgeMs = { fast: 60_000, stats: 60_000, slow: 60_000, hourly: 60_000 };

/** The monitor's collectors alone, on a server of the test's own, with the monitor's pools. */
export interface Watched {
  collection: Collection;
  logs: LogFields[];
  signals(): SignalValue[];
  /** The value of one signal, of one scope. */
  value(name: string, scope?: string): number | null | undefined;
  /** Every tier once. */
  look(): Promise<void>;
  end(): Promise<void>;
}

export function watch(target: Target): Watched {
  const logs: LogFields[] = [];
  const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });
  const open = (statementTimeoutMs: number): Pool =>
    createPool({
      target,
      pooler: { pooled: false },
      waitingMax: 100,
      max: 1,
      applicationName: "holdfast-monitor",
      statementTimeoutMs,
      lockTimeoutMs: 200,
    });
  const [fastPool, slowPool] = [open(2_000), open(10_000)];
  const collection = createCollection({
    fastPool,
    slowPool,
    everyMs,
    maxAgeMs,
    changes: createChanges({ now: () => Date.now() }),
    readDisk: createDiskReader("."),
    clock: systemClock,
    log,
  });
  const found = () => {
    const metrics = deriveMetrics({
      readings: collection.readings,
      rates: collection.databaseRates(),
      ticksPerSecond: null,
      now: Date.now(),
      maxAgeMs,
    });
    return readSignals(signals, collection.view(metrics, undefined, undefined, new Set()));
  };
  return {
    collection,
    logs,
    signals: found,
    value: (name, scope = "") =>
      found().find((one) => one.name === name && one.scope === scope)?.value,
    async look() {
      for (const tier of ["fast", "stats", "slow", "hourly"] as const) {
        await collection.collect(tier);
      }
    },
    async end() {
      await Promise.all([fastPool.end(), slowPool.end()]);
    },
  };
}
