import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, HoldfastError } from "../../errors.ts";
import { describeDatabaseError, sqlStateOf } from "../../db/errors.ts";
import type { Logger } from "../../log.ts";
import type { AppEnv } from "./shared.ts";

/** The HTTP face of each code: status and title. The only place that knows both. */
export const faces: Record<ErrorCode, [ContentfulStatusCode, string]> = {
  invalid_request: [400, "Invalid request"],
  malformed_body: [400, "Malformed body"],
  unsupported_media_type: [415, "Unsupported media type"],
  unsupported_encoding: [415, "Unsupported content encoding"],
  body_too_large: [413, "Body too large"],
  upload_stalled: [408, "Upload stalled"],
  request_timeout: [408, "Request timeout"],
  target_too_long: [414, "Request target too long"],
  head_too_large: [431, "Request head too large"],
  expectation_failed: [417, "Expectation failed"],
  // Nobody reads it; the access log shows it.
  client_left: [499 as ContentfulStatusCode, "Client left"],
  too_many_rows: [413, "Too many rows"],
  too_many_partitions: [422, "Too many partitions"],
  idempotency_key_reused: [422, "Idempotency key reused"],
  idempotency_in_flight: [409, "Request in flight"],
  idempotency_outcome_unknown: [409, "Outcome unknown"],
  precondition_failed: [412, "Precondition failed"],
  unauthorized: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  conflict: [409, "Conflict"],
  instrument_referenced: [409, "Instrument is referenced"],
  symbol_taken: [409, "Symbol taken"],
  catalogue_changed: [409, "Catalogue changed"],
  partition_sealed: [409, "Partition is sealed"],
  benchmark_running: [409, "Benchmark running"],
  backup_running: [409, "Backup running"],
  rehearsal_running: [409, "Rehearsal running"],
  server_busy: [409, "Server busy"],
  rate_limited: [429, "Rate limited"],
  overloaded: [503, "Overloaded"],
  too_many_connections: [503, "Too many connections"],
  deadline_exceeded: [504, "Deadline exceeded"],
  database_unavailable: [503, "Database unavailable"],
  database_read_only: [503, "Database is read-only"],
  lock_timeout: [503, "Lock timeout"],
  database_error: [500, "Database error"],
  storage_full: [507, "Storage full"],
  shutting_down: [503, "Shutting down"],
  internal: [500, "Internal error"],
};

function fromHttpException(error: HTTPException): HoldfastError {
  const code: ErrorCode = error.status === 413
    ? "body_too_large"
    : error.status === 415
    ? "unsupported_media_type"
    : error.status < 500
    ? "invalid_request"
    : "internal";
  return new HoldfastError(
    code,
    code === "internal"
      ? "Something failed on our side"
      : code === "unsupported_media_type"
      ? "Send the body with Content-Type: application/json"
      : error.message || "Bad request",
  );
}

/** When to ask again, in seconds, after a status that promises it, where the error itself does not say. */
const retryAfterOf: Partial<Record<number, number>> = { 429: 60, 503: 5, 507: 30 };

/** Turns what was thrown into a problem document; what is ours is logged and never shown. */
export function answerProblem(error: unknown, c: Context<AppEnv>, log: Logger): Response {
  const known = error instanceof HoldfastError
    ? error
    : error instanceof HTTPException
    ? fromHttpException(error)
    : new HoldfastError("internal", "Something failed on our side; the log has the request id", {
      cause: error,
    });
  const [status, title] = faces[known.code];
  if (status >= 500) {
    log.error("request_failed", {
      request_id: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      code: known.code,
      reason: known.cause === undefined ? known.message : describeDatabaseError(known.cause),
      ...(known.code === "internal" ? { error: known.cause } : {}),
    });
  }
  // Of what the server said only its code goes out: its words may quote rows and statements.
  const state = sqlStateOf(known);
  const body = {
    type: `urn:holdfast:problem:${known.code}`,
    title,
    status,
    code: known.code,
    detail: known.message,
    ...(state === undefined ? {} : { sqlstate: state }),
    ...(known.problems.length > 0 ? { errors: known.problems } : {}),
    request_id: c.get("requestId"),
  };
  const retryAfter = known.retryAfterSeconds ?? retryAfterOf[status];
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  if (status === 401) c.header("WWW-Authenticate", 'Bearer realm="holdfast"');
  return c.body(JSON.stringify(body), status, { "content-type": "application/problem+json" });
}
