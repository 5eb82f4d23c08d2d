import type { ProblemCode } from "./operations.ts";

/** A fault that the server found in the request: where, and what. */
export interface InputFault {
  line?: number | undefined;
  path: string;
  message: string;
}

/** What the client itself says, where no answer came: `unreachable`, or none in time: `timeout`. */
export type ClientCode = "unreachable" | "timeout";

/** A request that Holdfast refused or did not answer. `code` is stable; `message` is for people. */
export class HoldfastProblem extends Error {
  override readonly name = "HoldfastProblem";
  /** The status of the answer; 0 where there was none. */
  readonly status: number;
  readonly code: ProblemCode | ClientCode;
  readonly errors: readonly InputFault[];
  /** As in the server's log. */
  readonly requestId: string | undefined;
  /** The code of the error of Postgres behind it. */
  readonly sqlstate: string | undefined;
  /** How long the server asks to wait; milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** How often the request was sent before. */
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

/** Codes of answers that are no problem document, as those of a proxy. */
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

/** Reads Retry-After, seconds or a date, as milliseconds from `now`; undefined where it is neither. */
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

/** Makes a problem of an answer that is none of success. */
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
