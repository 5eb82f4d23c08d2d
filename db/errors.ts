import { type ErrorCode, HoldfastError, messageOf } from "../errors.ts";

const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "ENOTFOUND",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "CONNECT_TIMEOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
]);

const codes: Record<string, ErrorCode> = {
  "25006": "database_read_only", // read_only_sql_transaction: a standby, or default_transaction_read_only
  "57014": "deadline_exceeded", // query_canceled: our statement_timeout
  "55P03": "lock_timeout", // lock_not_available: our lock_timeout
  "53100": "storage_full", // disk_full
  "53200": "overloaded", // out_of_memory
  HF001: "partition_sealed", // holdfast.refuse_sealed()
  "40001": "conflict",
  "40P01": "conflict", // deadlock_detected
};

/** What the driver threw, out of the wrappings of drizzle and of our own errors. */
export function driverError(error: unknown): unknown {
  let at = error;
  for (let depth = 0; depth < 5; depth++) {
    const { code, cause } = (at ?? {}) as { code?: unknown; cause?: unknown };
    const wrapped = at instanceof HoldfastError || typeof code !== "string";
    if (!wrapped || cause === undefined) return at;
    at = cause;
  }
  return at;
}

/** The SQLSTATE or system code of anything a driver threw, or an empty string. */
export function codeOf(error: unknown): string {
  const found = driverError(error);
  if (found instanceof HoldfastError) return "";
  const code = (found as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** After these the server closes the connection, whatever the code says: a full disk may be the reason. */
const last = new Set(["FATAL", "PANIC"]);

/**
 * Says whether the server could not be reached, turned us away or ended the connection, as opposed to refusing one
 * statement.
 */
export function isUnreachable(error: unknown): boolean {
  const { severity } = (driverError(error) ?? {}) as { severity?: unknown };
  return unreachable.has(codeOf(error)) || last.has(String(severity)) ||
    (error instanceof HoldfastError && error.code === "database_unavailable");
}

/** Says whether the server refused a write because it takes none from this session: a standby, or a read-only default. */
export function refusesWrites(error: unknown): boolean {
  return codeOf(error) === "25006" ||
    (error instanceof HoldfastError && error.code === "database_read_only");
}

/** Wraps what the driver threw; messages of the server stay in `cause`, for the log only. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const state = codeOf(error);
  const code: ErrorCode = codes[state] ??
    (unreachable.has(state) || state.startsWith("08") ? "database_unavailable" : "database_error");
  const message = {
    deadline_exceeded: "The database did not finish in time",
    database_unavailable: "The database cannot be reached or is not ready",
    database_read_only: "The database takes no writes at present; GET /api/health says why",
    lock_timeout: "Another session holds a lock that this needs; /api/health/database names it",
    storage_full: "The database has no disk space left",
    overloaded: "The database has no memory left",
    conflict: "The database refused a concurrent change",
    partition_sealed:
      "A sealed partition takes no changes; POST /api/partitions/unseal opens it again",
  }[code as string] ?? "The database refused the statement";
  return new HoldfastError(code, message, {
    cause: error,
    ...(code === "database_error" || code === "partition_sealed" ? {} : {
      retryAfterSeconds: code === "storage_full" ? 30 : code === "database_read_only" ? 5 : 2,
    }),
  });
}

/** One line for a log or a health check: the code, and the server's words. */
export function describeDatabaseError(error: unknown): string {
  const state = codeOf(error);
  const message = messageOf(driverError(error));
  return state ? `${state}: ${message}` : message;
}

/**
 * Says whether an error is of the question postgres.js asks each new connection for array types, in a promise that nobody
 * holds: lost when the connection is lost or ended in that moment. Whoever wanted the connection hears of it apart from that.
 * (Without that question its `reserve` never settles on a new connection, so it stays on.)
 */
export function isDriversOwn(error: unknown): boolean {
  const { query } = (error ?? {}) as { query?: unknown };
  return typeof query === "string" && query.includes("b.typarray");
}
