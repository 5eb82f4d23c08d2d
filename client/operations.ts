// Generated from openapi.yaml by `deno task openapi`; do not edit.

/** What the client knows of an operation: `keyed` where an Idempotency-Key makes it safe to send again, `verdicts` where a
 * status from 400 on is an answer and no problem. */
export interface OperationFacts {
  readonly method: string;
  readonly path: string;
  readonly keyed?: boolean;
  readonly verdicts?: readonly number[];
}

export const operations = {
  getHealth: { method: "GET", path: "/api/health", verdicts: [503] },
  getLiveness: { method: "GET", path: "/api/health/live" },
  getReadiness: { method: "GET", path: "/api/health/ready", verdicts: [503] },
  getDatabaseHealth: { method: "GET", path: "/api/health/database" },
  getFeedHealth: { method: "GET", path: "/api/health/feeds" },
  getPerformanceHealth: { method: "GET", path: "/api/health/performance" },
  getPartitionHealth: { method: "GET", path: "/api/health/partitions" },
  listTicks: { method: "GET", path: "/api/ticks" },
  storeTicks: { method: "POST", path: "/api/ticks", keyed: true },
  rebuildCandles: { method: "POST", path: "/api/candles/rebuild", keyed: true },
  listCandles: { method: "GET", path: "/api/candles" },
  listInstances: { method: "GET", path: "/api/instances" },
  listDatabases: { method: "GET", path: "/api/databases" },
  listInstruments: { method: "GET", path: "/api/instruments" },
  createInstrument: { method: "POST", path: "/api/instruments", keyed: true },
  getInstrument: { method: "GET", path: "/api/instruments/{id}" },
  updateInstrument: { method: "PATCH", path: "/api/instruments/{id}" },
  deleteInstrument: { method: "DELETE", path: "/api/instruments/{id}" },
  restoreInstrument: { method: "POST", path: "/api/instruments/{id}/restore", keyed: true },
  getExactness: { method: "GET", path: "/api/exactness" },
  listQuarantine: { method: "GET", path: "/api/quarantine" },
  purgeQuarantine: { method: "DELETE", path: "/api/quarantine" },
  retryQuarantine: { method: "POST", path: "/api/quarantine/retry", keyed: true },
  retryQuarantinedRow: { method: "POST", path: "/api/quarantine/{id}/retry", keyed: true },
  discardQuarantinedRow: { method: "DELETE", path: "/api/quarantine/{id}" },
  listPartitionedTables: { method: "GET", path: "/api/partitions" },
  listPartitionPolicies: { method: "GET", path: "/api/partitions/policies" },
  getPartitionPolicy: { method: "GET", path: "/api/partitions/policies/{table}" },
  setPartitionPolicy: { method: "PUT", path: "/api/partitions/policies/{table}" },
  deletePartitionPolicy: { method: "DELETE", path: "/api/partitions/policies/{table}" },
  planPartitions: { method: "POST", path: "/api/partitions/plan", keyed: true },
  applyPartitionPlan: { method: "POST", path: "/api/partitions/apply", keyed: true },
  listPartitionLog: { method: "GET", path: "/api/partitions/log" },
  listConversions: { method: "GET", path: "/api/partitions/conversions" },
  getConversion: { method: "GET", path: "/api/partitions/conversions/{id}" },
  convertTable: { method: "POST", path: "/api/partitions/convert", keyed: true },
  startPartitionVerification: { method: "POST", path: "/api/partitions/verify", keyed: true },
  getPartitionVerification: { method: "GET", path: "/api/partitions/verify" },
  getPartitionManifest: { method: "GET", path: "/api/partitions/manifest" },
  unsealPartition: { method: "POST", path: "/api/partitions/unseal", keyed: true },
  listArchives: { method: "GET", path: "/api/partitions/archives" },
  restoreArchive: { method: "POST", path: "/api/partitions/restore", keyed: true },
  listAlerts: { method: "GET", path: "/api/alerts" },
  listAlertRules: { method: "GET", path: "/api/alerts/rules" },
  changeAlertRules: { method: "PUT", path: "/api/alerts/rules" },
  acknowledgeAlert: { method: "POST", path: "/api/alerts/{id}/acknowledge", keyed: true },
  listSilences: { method: "GET", path: "/api/alerts/silences" },
  createSilence: { method: "POST", path: "/api/alerts/silences", keyed: true },
  endSilence: { method: "DELETE", path: "/api/alerts/silences" },
  listChannels: { method: "GET", path: "/api/alerts/channels" },
  testChannel: { method: "POST", path: "/api/alerts/channels/{name}/test", keyed: true },
  listDeliveries: { method: "GET", path: "/api/alerts/deliveries" },
  retryDelivery: { method: "POST", path: "/api/alerts/deliveries/{id}/retry", keyed: true },
  rehearseAlertRule: { method: "POST", path: "/api/alerts/rehearse", keyed: true },
  getAlert: { method: "GET", path: "/api/alerts/{id}" },
  listLocks: { method: "GET", path: "/api/locks" },
  listSessions: { method: "GET", path: "/api/sessions" },
  cancelStatement: { method: "POST", path: "/api/locks/{pid}/cancel", keyed: true },
  terminateSession: { method: "POST", path: "/api/locks/{pid}/terminate", keyed: true },
  listQueries: { method: "GET", path: "/api/queries" },
  listIndexes: { method: "GET", path: "/api/indexes" },
  getStatement: { method: "GET", path: "/api/database/statements/{id}" },
  getStatementHistory: { method: "GET", path: "/api/database/statements/{id}/history" },
  getStatementPlan: { method: "GET", path: "/api/database/statements/{id}/plan" },
  listChanges: { method: "GET", path: "/api/changes" },
  createMark: { method: "POST", path: "/api/marks", keyed: true },
  listIncidents: { method: "GET", path: "/api/incidents" },
  getIncident: { method: "GET", path: "/api/incidents/{id}" },
  listMetrics: { method: "GET", path: "/api/metrics" },
  listMoves: { method: "GET", path: "/api/moves" },
  getMetric: { method: "GET", path: "/api/metrics/{name}" },
  getExposition: { method: "GET", path: "/metrics" },
  listBackups: { method: "GET", path: "/api/backups" },
  startBackup: { method: "POST", path: "/api/backups", keyed: true },
  getBackup: { method: "GET", path: "/api/backups/{id}" },
  deleteBackup: { method: "DELETE", path: "/api/backups/{id}" },
  verifyBackup: { method: "POST", path: "/api/backups/{id}/verify", keyed: true },
  listBenchmarkCases: { method: "GET", path: "/api/benchmarks" },
  startBenchmarkRun: { method: "POST", path: "/api/benchmarks/runs", keyed: true },
  listBenchmarkRuns: { method: "GET", path: "/api/benchmarks/runs" },
  getBenchmarkRun: { method: "GET", path: "/api/benchmarks/runs/{id}" },
  abortBenchmarkRun: { method: "DELETE", path: "/api/benchmarks/runs/{id}" },
  getBenchmarkHistory: { method: "GET", path: "/api/benchmarks/history" },
  getBenchmarkReport: { method: "GET", path: "/api/benchmarks/runs/{id}/report" },
  getBenchmarkValidation: { method: "GET", path: "/api/benchmarks/validation" },
  createSession: { method: "POST", path: "/api/session" },
  getSession: { method: "GET", path: "/api/session" },
  endSession: { method: "DELETE", path: "/api/session" },
  listTokens: { method: "GET", path: "/api/tokens" },
  createToken: { method: "POST", path: "/api/tokens" },
  revokeToken: { method: "DELETE", path: "/api/tokens/{id}" },
  listAudit: { method: "GET", path: "/api/audit" },
  listOperations: { method: "GET", path: "/api/operations" },
  getOperation: { method: "GET", path: "/api/operations/{id}" },
  abortOperation: { method: "DELETE", path: "/api/operations/{id}" },
  startRehearsal: { method: "POST", path: "/api/rehearsals", keyed: true },
  listRehearsals: { method: "GET", path: "/api/rehearsals" },
  rehearseRecommendation: { method: "POST", path: "/api/recommendations/{id}/rehearse", keyed: true },
  getRehearsal: { method: "GET", path: "/api/rehearsals/{id}" },
  abortRehearsal: { method: "DELETE", path: "/api/rehearsals/{id}" },
  getRehearsalReport: { method: "GET", path: "/api/rehearsals/{id}/report" },
  listSettings: { method: "GET", path: "/api/settings" },
} satisfies Record<string, OperationFacts>;

/** The codes of problems. */
export type ProblemCode =
  | "backup_running"
  | "benchmark_running"
  | "body_too_large"
  | "catalogue_changed"
  | "conflict"
  | "database_error"
  | "database_read_only"
  | "database_unavailable"
  | "deadline_exceeded"
  | "expectation_failed"
  | "forbidden"
  | "head_too_large"
  | "idempotency_in_flight"
  | "idempotency_key_reused"
  | "idempotency_outcome_unknown"
  | "instrument_referenced"
  | "internal"
  | "invalid_request"
  | "lock_timeout"
  | "malformed_body"
  | "not_found"
  | "overloaded"
  | "partition_sealed"
  | "precondition_failed"
  | "rate_limited"
  | "rehearsal_running"
  | "request_timeout"
  | "server_busy"
  | "shutting_down"
  | "storage_full"
  | "symbol_taken"
  | "target_too_long"
  | "too_many_connections"
  | "too_many_partitions"
  | "too_many_rows"
  | "unauthorized"
  | "unsupported_encoding"
  | "unsupported_media_type"
  | "upload_stalled";
