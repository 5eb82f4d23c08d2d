/** What can go wrong, by stable code. Transports map a code to their own status; nothing here knows HTTP. */
export type ErrorCode =
  | "invalid_request"
  | "malformed_body"
  | "unsupported_media_type"
  | "unsupported_encoding"
  | "body_too_large"
  | "upload_stalled"
  | "request_timeout"
  | "target_too_long"
  | "head_too_large"
  | "expectation_failed"
  | "client_left"
  | "too_many_rows"
  | "too_many_partitions"
  | "idempotency_key_reused"
  | "idempotency_in_flight"
  | "idempotency_outcome_unknown"
  | "precondition_failed"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "instrument_referenced"
  | "symbol_taken"
  | "catalogue_changed"
  | "partition_sealed"
  | "benchmark_running"
  | "backup_running"
  | "rehearsal_running"
  | "server_busy"
  | "rate_limited"
  | "overloaded"
  | "too_many_connections"
  | "deadline_exceeded"
  | "database_unavailable"
  | "database_read_only"
  | "lock_timeout"
  | "database_error"
  | "storage_full"
  | "shutting_down"
  | "internal";

/** Where in the input a problem lies: the line (from 1) of the body, the field, and what is wrong. */
export interface InputProblem {
  line?: number;
  path: string;
  message: string;
}

export interface HoldfastErrorOptions {
  /** Input problems, at most a few dozen: enough to mend the input, bounded on purpose. */
  problems?: InputProblem[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** The one error type that may reach a caller; anything else is a defect and answers as `internal`. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly problems: InputProblem[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "HoldfastError";
    this.code = code;
    this.problems = options.problems ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Nobody waits for the answer any more: the client of a request has closed its connection. */
export const clientLeft = () =>
  new HoldfastError("client_left", "The client has closed the connection");

/** A start that must stop: one line for the person at the terminal, no stack. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
  }
}

/** The message of anything thrown, for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
