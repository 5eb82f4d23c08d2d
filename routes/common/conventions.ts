import type { ErrorCode } from "../../errors.ts";
import { isTagged } from "../guards/etag.ts";
import { replayedHeader, takesKey } from "../guards/idempotency.ts";

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: object;
}

/** What an operation of the document has that the conventions add to. */
export interface ConventionalOperation {
  parameters?: Parameter[];
  responses?: Record<string, unknown>;
  "x-problems"?: ErrorCode[];
}

const text = { type: "string" };

const keyParameter: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "A repeated request with the same key is not carried out again and gets the first answer",
  schema: { ...text, minLength: 1, maxLength: 255, pattern: "^[!-~]{1,255}$" },
};

/** Adds headers to the answers of an operation that succeed; `ofContent`: to those with a body. */
function addHeaders(
  operation: ConventionalOperation,
  headers: Record<string, object>,
  { ofContent = false } = {},
): void {
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    if (!status.startsWith("2")) continue;
    const described = response as { headers?: Record<string, object>; content?: object };
    if (ofContent && !described.content) continue;
    described.headers = { ...described.headers, ...headers };
  }
}

function addProblems(operation: ConventionalOperation, codes: readonly ErrorCode[]): void {
  operation["x-problems"] = [...operation["x-problems"] ?? [], ...codes];
}

/** Says of an operation what holds for all of its kind; before its problems are described. */
export function describeConventions(
  method: string,
  path: string,
  operation: ConventionalOperation,
): void {
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const headers = problemHeaders[Number(status)];
    if (headers) Object.assign(response as object, { headers });
  }
  if (isTagged(path)) describeTags(method, operation);
  if (takesKey(method, path)) {
    operation.parameters = [...operation.parameters ?? [], keyParameter];
    addHeaders(operation, {
      [replayedHeader]: {
        description: "true: a repeated answer to the same Idempotency-Key",
        schema: { ...text, enum: ["true"] },
      },
    });
    addProblems(operation, [
      "idempotency_key_reused",
      "idempotency_in_flight",
      "idempotency_outcome_unknown",
    ]);
  }
}

const tag = {
  description: "The tag of this representation, for If-Match and If-None-Match",
  schema: text,
};

function describeTags(method: string, operation: ConventionalOperation): void {
  addHeaders(operation, { ETag: tag }, { ofContent: true });
  const condition = (name: string, description: string): Parameter => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { ...text, maxLength: 2_000 },
  });
  const parameters = operation.parameters ?? [];
  if (method === "get") {
    const description =
      "ETags that the client has; the answer is 304 if the present one is among them";
    operation.parameters = [...parameters, condition("If-None-Match", description)];
    (operation.responses ??= {})[304] = {
      description: "Unchanged: the client has the present representation",
      headers: { ETag: tag },
    };
  } else if (method !== "post") {
    operation.parameters = [
      ...parameters,
      condition(
        "If-Match",
        "The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412",
      ),
      ...method === "put"
        ? [condition("If-None-Match", "*: create the policy only if there is none; otherwise 412")]
        : [],
    ];
    addProblems(operation, ["precondition_failed"]);
  }
}

const retryAfter = {
  "Retry-After": {
    description: "Seconds to wait before the same request is sent again",
    schema: { type: "integer", minimum: 0 },
  },
};

const rateLimit = {
  "RateLimit-Policy": {
    description:
      "Name of the limit, number of requests and window in seconds (draft-ietf-httpapi-ratelimit-headers-10)",
    schema: text,
    example: '"wrong_tokens";q=1;w=8',
  },
  RateLimit: {
    description: "Remaining requests, and the seconds until the limit is reset",
    schema: text,
    example: '"wrong_tokens";r=0;t=8',
  },
};

/** Headers that go with the problems of a status, on every operation. */
export const problemHeaders: Partial<Record<number, Record<string, object>>> = {
  429: { ...retryAfter, ...rateLimit },
  503: retryAfter,
  507: retryAfter,
};
