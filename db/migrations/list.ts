import market from "./0001_market.sql" with { type: "text" };
import holdfast from "./0002_holdfast.sql" with { type: "text" };
import firewall from "./0003_firewall.sql" with { type: "text" };
import guardian from "./0004_partition_guardian.sql" with { type: "text" };
import moves from "./0020_partition_moves.sql" with { type: "text" };
import sealed from "./0030_sealed_partitions.sql" with { type: "text" };
import history from "./0050_history.sql" with { type: "text" };
import subPartitions from "./0060_sub_partitions.sql" with { type: "text" };
import restraint from "./0070_restraint.sql" with { type: "text" };
import retentionProgress from "./0071_retention_progress.sql" with { type: "text" };
import seriesAutovacuum from "./0096_series_autovacuum.sql" with { type: "text" };
import candlesAutovacuum from "./0095_candles_autovacuum.sql" with { type: "text" };
import auditLog from "./0072_audit_log.sql" with { type: "text" };
import liveEvents from "./0080_live_events.sql" with { type: "text" };
import instances from "./0081_instances.sql" with { type: "text" };
import requestKeys from "./0076_request_keys.sql" with { type: "text" };
import operations from "./0077_operations.sql" with { type: "text" };
import rehearsals from "./0090_rehearsals.sql" with { type: "text" };
import rewriteOutcome from "./0100_rewrite_outcome.sql" with { type: "text" };
import statementHistory from "./0110_statement_history.sql" with { type: "text" };
import candleGuard from "./0120_candle_guard.sql" with { type: "text" };
import sampleCounts from "./0125_sample_counts.sql" with { type: "text" };
import watchAutovacuum from "./0118_watch_autovacuum.sql" with { type: "text" };
import alertLife from "./0040_alert_life.sql" with { type: "text" };

export interface Migration {
  version: number;
  name: string;
  sql: string;
}

/** Append-only: a migration that has shipped is never edited, its checksum is checked at every start. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "market", sql: market },
  { version: 2, name: "holdfast", sql: holdfast },
  { version: 3, name: "firewall", sql: firewall },
  { version: 4, name: "partition_guardian", sql: guardian },
  { version: 20, name: "partition_moves", sql: moves },
  { version: 30, name: "sealed_partitions", sql: sealed },
  { version: 40, name: "alert_life", sql: alertLife },
  { version: 50, name: "history", sql: history },
  { version: 60, name: "sub_partitions", sql: subPartitions },
  { version: 70, name: "restraint", sql: restraint },
  { version: 71, name: "retention_progress", sql: retentionProgress },
  { version: 72, name: "audit_log", sql: auditLog },
  { version: 76, name: "request_keys", sql: requestKeys },
  { version: 77, name: "operations", sql: operations },
  { version: 80, name: "live_events", sql: liveEvents },
  { version: 81, name: "instances", sql: instances },
  { version: 90, name: "rehearsals", sql: rehearsals },
  { version: 95, name: "candles_autovacuum", sql: candlesAutovacuum },
  { version: 96, name: "series_autovacuum", sql: seriesAutovacuum },
  { version: 100, name: "rewrite_outcome", sql: rewriteOutcome },
  { version: 110, name: "statement_history", sql: statementHistory },
  { version: 118, name: "watch_autovacuum", sql: watchAutovacuum },
  { version: 120, name: "candle_guard", sql: candleGuard },
  { version: 125, name: "sample_counts", sql: sampleCounts },
];
