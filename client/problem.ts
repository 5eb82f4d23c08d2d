import type { ProblemCode } from "./operations.ts";

/** A fault in the request that the server found: its place and description. */
export interface InputFault {
  line?: number | undefined;
  path: string;
  message: string;
}

/** Codes of the client: `unreachable` without an answer, `timeout` without one in time. */
export type ClientCode = "unreachable" | "timeout";

/** A request that Holdfast refused or did not answer. `code` is stable; `message` is for display. */
export class HoldfastProblem extends Error {
  override readonly name = "HoldfastProblem";
  /** The status of the answer; 0 without one. */
  readonly status: number;
  readonly code: ProblemCode | ClientCode;
  readonly errors: readonly InputFault[];
  /** The id of the request in the server's log. */
  readonly requestId: string | undefined;
  /** The SQLSTATE of the error in Postgres that caused it. */
  readonly sqlstate: string | undefined;
  /** The wait that the server requests; milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Number of earlier attempts. */
  retries = 0;

  constructor(
    code: ProblemCode | ClientCode,
    detail: string,
    { status = 0, errors = [], requestId, sqlstate, retryAfterMs, cause }: {
      status?: number;
      errors?: readonly InputFault[];
      requestId?: string | undefined;
      sqlstate?: string | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause });
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.requestId = requestId;
    this.sqlstate = sqlstate;
    this.retryAfterMs = retryAfterMs;
  }
}

const detailMax = 500;

/** Codes of answers without a problem document, such as those of a proxy. */
const codeOfStatus: Record<number, ProblemCode> = {
  400: "invalid_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  413: "body_too_large",
  429: "rate_limited",
  502: "overloaded",
  503: "overloaded",
  504: "deadline_exceeded",
};

/** Reads Retry-After, seconds or a date, as milliseconds from `now`; undefined when it is neither. */
export function retryAfterOf(
  header: string | null,
  now: number,
): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) {
    return seconds >= 0 ? seconds * 1_000 : undefined;
  }
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

/** Returns the problem of an answer without success. */
export function problemOf(
  { status, headers }: Response,
  text: string,
): HoldfastProblem {
  const { code, detail, errors, request_id, sqlstate } = parsed(text);
  const asText = (value: unknown) => typeof value === "string" ? value : undefined;
  return new HoldfastProblem(
    (asText(code) as ProblemCode | undefined) ?? codeOfStatus[status] ??
      "internal",
    asText(detail) ?? `${status} ${text.slice(0, detailMax)}`.trim(),
    {
      status,
      errors: Array.isArray(errors) ? errors as InputFault[] : [],
      requestId: asText(request_id) ?? headers.get("x-request-id") ?? undefined,
      sqlstate: asText(sqlstate),
      retryAfterMs: retryAfterOf(headers.get("retry-after"), Date.now()),
    },
  );
}
