import type { Pool } from "../../db/pool/pool.ts";
import type { Alerts } from "../alerts/service.ts";
import type { WriteWatch } from "../alerts/evaluation/canary.ts";
import type { BackupHealth } from "../backups/report.ts";
import type { Clock } from "../../lib/clock.ts";
import type { IngestCounters } from "../ingest/service.ts";
import type { MarketReads } from "../market/reads/service.ts";
import type { ReachabilityState } from "./collect/reachability.ts";
import type { Collection, TierTimes } from "./collect/collection.ts";
import { overallStatus } from "./health/status.ts";
import type { History } from "./history/history.ts";
import { deriveMetrics } from "./signals/derived.ts";
import { reportTable, type TableReading, type TableReport } from "../partitions/report/report.ts";
import { tableOf } from "../partitions/policy.ts";
import { copyReadings, freshValue, type Reading, type Readings } from "./collect/reading.ts";
import { signals } from "./signals/list.ts";
import type { ChangedPlan } from "./diagnosis/plan_changes.ts";
import { readSignals } from "./signals/signal.ts";
import type { Snapshot } from "./snapshot.ts";

/** What the monitor knows at the end of a run of a tier, besides its collectors' readings. */
export interface Known extends ReachabilityState {
  tables: Readonly<Reading<TableReading[]>>;
  ticksPerSecond: number | null;
}

/** Parts of a snapshot that are cheap to read and as of the moment it is made. */
export interface LiveParts {
  appPool: Pick<Pool, "stats">;
  ingest: { counters(): IngestCounters };
  reads: Pick<MarketReads, "report">;
  backups: { report(): BackupHealth };
  changedPlans: { present(): readonly ChangedPlan[] | undefined };
  alerts: Pick<Alerts, "firing">;
  history: Pick<History, "state">;
  writeWatch: Pick<WriteWatch, "state">;
}

/**
 * Makes snapshots of what the tiers have read. Metrics and signals are worked out once per run and second, because within
 * a second no reading becomes stale. Reports of tables, the most expensive part with many leaves, are worked out once per
 * reading and minute. Pool, uploads, backups, alerts and the time itself are as of now.
 */
export function createSnapshotCache(
  { collection, maxAgeMs, horizonDays, clock, live }: {
    collection: Collection;
    maxAgeMs: TierTimes;
    horizonDays: number;
    clock: Clock;
    live: LiveParts;
  },
) {
  let known: Known;
  let readings: Readings;
  let derived: { second: number; parts: ReturnType<typeof derive> } | undefined;
  let reported: { of: TableReading[]; minute: number; reports: TableReport[] } | undefined;

  function derive(at: number) {
    const metrics = deriveMetrics({
      readings,
      rates: collection.databaseRates(),
      ticksPerSecond: known.ticksPerSecond,
      now: at,
      maxAgeMs,
    });
    const managed = known.tables.value?.map(({ facts }) => tableOf(facts.policy));
    const view = collection.view(metrics, readings, at, managed && new Set(managed));
    return { metrics, view, signals: readSignals(signals, view), readings };
  }

  function reportsOf(tables: TableReading[] | undefined, at: number): TableReport[] {
    if (!tables) return [];
    const minute = Math.floor(at / 60_000);
    if (reported?.of !== tables || reported.minute !== minute) {
      const reports = tables.map((table) => reportTable(table, at * 1000, horizonDays));
      reported = { of: tables, minute, reports };
    }
    return reported.reports;
  }

  return {
    /** Sets what snapshots are made of until the next call. */
    commit(now: Known): void {
      known = { ...now, tables: { ...now.tables } };
      readings = copyReadings(collection.readings);
      derived = undefined;
    },
    current(): Snapshot {
      const at = clock.now().getTime();
      const second = Math.floor(at / 1000);
      if (derived?.second !== second) derived = { second, parts: derive(at) };
      const { tables, checkedAt, unreachable, justBack } = known;
      const parts = {
        ...derived.parts,
        now: at,
        checkedAt,
        unreachable,
        justBack,
        pool: live.appPool.stats(),
        statements: collection.statements,
        tables: reportsOf(tables.value, at),
        tablesAt: tables.at,
        tablesFresh: !justBack && freshValue(tables, at, maxAgeMs.stats) !== undefined,
        tablesError: tables.error,
        ingest: live.ingest.counters(),
        reads: live.reads.report(),
        backups: live.backups.report(),
        plans: live.changedPlans.present(),
        firing: live.alerts.firing(),
        history: live.history.state(),
        access: live.writeWatch.state(),
      };
      return { ...parts, status: overallStatus(parts, maxAgeMs.fast) };
    },
  };
}
