import { isSafe, type Scope } from "../../services/auth/scope.ts";

/** Paths that anyone may ask: probes, and what a browser needs to log in. */
export const openPaths = new Set([
  "/api/health",
  "/api/health/live",
  "/api/health/ready",
  "/api/session",
  "/login",
]);

/** What each operation needs, by its operationId. */
const needed: Readonly<Record<string, Scope>> = {
  storeTicks: "ingest",
  createInstrument: "ingest",

  updateInstrument: "operate",
  restoreInstrument: "operate",
  rebuildCandles: "operate",
  retryQuarantine: "operate",
  retryQuarantinedRow: "operate",
  planPartitions: "operate",
  applyPartitionPlan: "operate",
  startPartitionVerification: "operate",
  restoreArchive: "operate",
  acknowledgeAlert: "operate",
  createSilence: "operate",
  endSilence: "operate",
  testChannel: "operate",
  retryDelivery: "operate",
  rehearseAlertRule: "operate",
  createMark: "operate",
  cancelStatement: "operate",
  terminateSession: "operate",
  startBackup: "operate",
  verifyBackup: "operate",
  startBenchmarkRun: "operate",
  abortBenchmarkRun: "operate",
  abortRehearsal: "operate",
  abortOperation: "operate",

  // SQL of the caller's own, on a copy of all data: errors quote values.
  startRehearsal: "admin",
  rehearseRecommendation: "admin",
  // What deletes data or proofs, what decides on deletion, and who may do what.
  deleteInstrument: "admin",
  purgeQuarantine: "admin",
  discardQuarantinedRow: "admin",
  setPartitionPolicy: "admin",
  deletePartitionPolicy: "admin",
  convertTable: "admin",
  unsealPartition: "admin",
  changeAlertRules: "admin",
  deleteBackup: "admin",
  listTokens: "admin",
  createToken: "admin",
  revokeToken: "admin",
  listAudit: "admin",
};

/** Returns the operations whose scope is stated, for the test that each change is among them. */
export const statedOperations = (): string[] => Object.keys(needed);

/** Returns the scope that an operation needs: what is not stated reads with `read` and changes with `admin` alone. */
export function scopeOf(method: string, operationId = ""): Scope {
  return needed[operationId] ?? (isSafe(method) ? "read" : "admin");
}
