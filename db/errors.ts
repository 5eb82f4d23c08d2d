import { type ErrorCode, HoldfastError, messageOf } from "../errors.ts";
import { sqlState } from "./sql_state.ts";

/** Codes of the system and the driver: the error is not from a server. */
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
  // Of servers and poolers too old to send a severity that is not translated.
  sqlState.adminShutdown,
  sqlState.crashShutdown,
  sqlState.cannotConnectNow,
  sqlState.tooManyConnections,
]);

const codes: Record<string, ErrorCode> = {
  [sqlState.readOnlySqlTransaction]: "database_read_only", // a standby, or default_transaction_read_only
  [sqlState.queryCanceled]: "deadline_exceeded", // by our statement_timeout
  [sqlState.lockNotAvailable]: "lock_timeout", // by our lock_timeout
  [sqlState.diskFull]: "storage_full",
  [sqlState.outOfMemory]: "overloaded",
  [sqlState.partitionSealed]: "partition_sealed",
  [sqlState.serializationFailure]: "conflict",
  [sqlState.deadlockDetected]: "conflict",
};

/** Returns the driver's error, without the wrappers of drizzle and of Holdfast. */
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

/** Returns the SQLSTATE or system code of an error of the driver, or an empty string. */
export function codeOf(error: unknown): string {
  const found = driverError(error);
  if (found instanceof HoldfastError) return "";
  const code = (found as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

const noSession = Symbol("no session");

/**
 * Marks an error of the way to a server, such as of its address, of TLS or of its role: whatever the code, there is no
 * session, or no longer. Returns the same error, or an error made of anything else.
 */
export function markUnreachable(error: unknown): Error {
  const marked = error instanceof Error ? error : new Error(String(error));
  return Object.assign(marked, { [noSession]: true });
}

/** Says whether an error, or what it wraps, is marked with `mark`. */
function isMarked(error: unknown, mark: symbol): boolean {
  let at = error;
  for (let depth = 0; depth < 5 && typeof at === "object" && at !== null; depth++) {
    if (mark in at) return true;
    at = (at as { cause?: unknown }).cause;
  }
  return false;
}

const hasNoSession = (error: unknown) => isMarked(error, noSession);

const atCommit = Symbol("at commit");

/** Marks an error that a COMMIT ended with. Returns the same error. */
export function markCommit(error: unknown): unknown {
  return typeof error === "object" && error !== null
    ? Object.assign(error, { [atCommit]: true })
    : error;
}

/** Says whether an error of the system is about a file: a missing one has the code of a missing socket. */
function isOfFile(error: unknown): boolean {
  const { path, syscall } = (driverError(error) ?? {}) as { path?: unknown; syscall?: unknown };
  return typeof path === "string" && syscall !== "connect";
}

/** After these the server closes the connection, or does not open one, whatever the code says. */
const last = new Set(["FATAL", "PANIC"]);

/** The severity that a server gave with its error; undefined when no server spoke. */
function severityOf(error: unknown): string | undefined {
  const { severity } = (driverError(error) ?? {}) as { severity?: unknown };
  return typeof severity === "string" ? severity : undefined;
}

/**
 * Says whether the server could not be reached, refused the connection or ended it, as opposed to refusing one
 * statement. With ERROR the server lives and the connection stays, whatever the code: a function may raise any, and a
 * foreign server's lost connection comes as 08006.
 */
export function isUnreachable(error: unknown): boolean {
  if (hasNoSession(error)) return true;
  const severity = severityOf(error);
  if (severity !== undefined) return last.has(severity);
  if (isOfFile(error)) return false;
  return unreachable.has(codeOf(error)) ||
    (error instanceof HoldfastError && error.code === "database_unavailable");
}

/** Says whether the server itself refused one statement: proof that it is there. */
export function isAnswer(error: unknown): boolean {
  const severity = severityOf(error);
  return severity !== undefined && !last.has(severity) && !hasNoSession(error);
}

/** How Citus says that the coordinator has lost a node or does not reach it; its messages are in English only. */
const nodeIsAway =
  /^(failure on connection marked as essential: |connection to the remote node .* failed|could not establish any connections to the node |connection error: )/;

/**
 * Says whether a server of several nodes does not reach one of them. The session is intact and its transaction failed as a
 * whole; what needs only the other nodes still works.
 */
export function isPartAway(error: unknown): boolean {
  if (!isAnswer(error)) return false;
  const state = codeOf(error);
  if (state === sqlState.internalError || state === sqlState.connectionFailure) {
    return nodeIsAway.test(messageOf(driverError(error)));
  }
  // A node that is shut down ends the coordinator's statement with its own last words.
  const { where } = (driverError(error) ?? {}) as { where?: unknown };
  return shutDown.has(state) && typeof where === "string" &&
    /while executing command on \S+:\d+/.test(where);
}

const shutDown = new Set<string>([
  sqlState.adminShutdown,
  sqlState.crashShutdown,
  sqlState.cannotConnectNow,
]);

/**
 * Says whether it is certain that nothing was stored when a node was away. Citus commits a transaction of one node first
 * there and then on the coordinator: a COMMIT that fails in between leaves what that node has stored.
 */
export function leftNothing(error: unknown): boolean {
  return isPartAway(error) && !isMarked(error, atCommit);
}

/** Returns the SQLSTATE of an error; undefined where it is not from a server. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return severityOf(error) !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Returns the name of the violated constraint; undefined where the server names none. */
export function constraintOf(error: unknown): string | undefined {
  const { constraint_name: name } = (driverError(error) ?? {}) as { constraint_name?: unknown };
  return typeof name === "string" ? name : undefined;
}

/** What is known of a cancelled statement and of a want of memory: each has one code for several causes. */
function plainWords(state: string, words: string): string | undefined {
  if (state === sqlState.queryCanceled) {
    if (/statement timeout/.test(words)) return "The database did not finish in time";
    return /user request/.test(words)
      ? "The statement was cancelled by another session"
      : "The database cancelled the statement";
  }
  if (state === sqlState.outOfMemory && /shared memory/.test(words)) {
    return "The shared memory of the database is full, for example of locks (max_locks_per_transaction)";
  }
  return undefined;
}

const partWords = "The database does not reach a node that this needs";

/** Says whether the server refused a write because it takes none from this session: a standby, or a read-only default. */
export function refusesWrites(error: unknown): boolean {
  return codeOf(error) === sqlState.readOnlySqlTransaction ||
    (error instanceof HoldfastError && error.code === "database_read_only");
}

/** Wraps what the driver threw; messages of the server stay in `cause`, for the log only. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (isOfFile(error) && !isUnreachable(error)) {
    const text = `A file cannot be used: ${messageOf(driverError(error))}`;
    return new HoldfastError("internal", text, { cause: error });
  }
  const state = codeOf(error);
  const partAway = isPartAway(error);
  const code: ErrorCode = codes[state] ??
    (partAway || isUnreachable(error) || state.startsWith("08") && !isAnswer(error)
      ? "database_unavailable"
      : "database_error");
  const message = plainWords(state, messageOf(driverError(error))) ?? (partAway ? partWords : {
    deadline_exceeded: "The database did not finish in time",
    database_unavailable: "The database cannot be reached or is not ready",
    database_read_only: "The database takes no writes at present; GET /api/health says why",
    lock_timeout: "A lock that this needs was not free in time; GET /api/locks shows who holds it",
    storage_full: "The database has no disk space left",
    overloaded: "The database has no memory left",
    conflict: "The database refused a concurrent change",
    partition_sealed:
      "A sealed partition takes no changes; POST /api/partitions/unseal opens it again",
  }[code as string]) ?? "The database refused the statement";
  return new HoldfastError(code, message, {
    cause: error,
    ...(code === "database_error" || code === "partition_sealed" ? {} : {
      retryAfterSeconds: code === "storage_full" ? 30 : code === "database_read_only" ? 5 : 2,
    }),
  });
}

/** What a server means by words that do not say so, such as "sorry" or "slots". */
const plainly: Record<string, string> = { [sqlState.tooManyConnections]: "too many connections" };

/** Returns one line for a log or a health check: the code and the server's message. */
export function describeDatabaseError(error: unknown): string {
  const state = codeOf(error);
  const words = messageOf(driverError(error));
  const plain = isAnswer(error) ? undefined : plainly[state];
  const message = plain === undefined || words.includes(plain) ? words : `${plain}: ${words}`;
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
