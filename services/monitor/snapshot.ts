import type { PoolStats } from "../../db/pool/pool.ts";
import type { Alert } from "../alerts/alert.ts";
import type { BackupHealth } from "../backups/report.ts";
import type { IngestCounters } from "../ingest/service.ts";
import type { ReadsReport } from "../market/reads/service.ts";
import type { Readings } from "./collect/reading.ts";
import type { RecorderState } from "./history/recorder.ts";
import type { PerformanceMetrics } from "./signals/derived.ts";
import type { TableReport } from "../partitions/report/report.ts";
import type { SignalValue, View } from "./signals/signal.ts";
import type { WriteState } from "./write_access/state.ts";
import type { ChangedPlan } from "./diagnosis/plan_changes.ts";
import type { Statements } from "./diagnosis/statements.ts";

export type Status = "healthy" | "degraded" | "unhealthy" | "unknown";

/** Everything known at one moment. Health, metrics and the live channel read only this. */
export interface Snapshot {
  status: Status;
  /** Milliseconds since 1970, like all times here. */
  now: number;
  /** When the server last answered the fast tier; undefined before the first time. */
  checkedAt: number | undefined;
  /** The error of the last run of the fast tier, and since when there has been one. */
  unreachable: { since: number; error: string } | undefined;
  pool: PoolStats;
  metrics: PerformanceMetrics;
  view: View;
  signals: SignalValue[];
  statements: Pick<Statements, "report" | "textsProblem">;
  tables: TableReport[];
  tablesAt: number | undefined;
  tablesFresh: boolean;
  /** Why the last attempt to read tables failed. */
  tablesError: string | undefined;
  /** Whether the server answers again and its tables have not been read since: it may be another server. */
  justBack: boolean;
  readings: Readings;
  ingest: IngestCounters;
  /** The standbys that may answer reads; undefined where none is set. */
  reads: ReadsReport | undefined;
  backups: BackupHealth;
  /** Statements whose plans changed between rehearsed backups; undefined until rehearsals are read. */
  plans: readonly ChangedPlan[] | undefined;
  firing: Alert[];
  history: RecorderState;
  /** Whether the server takes writes, and why not. */
  access: WriteState;
}
