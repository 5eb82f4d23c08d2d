import type { OperationFacts } from "./operations.ts";

/** The input of any operation; `types.ts` has the type of each. */
export interface AnyInput {
  path?: Record<string, unknown> | undefined;
  query?: Record<string, unknown> | undefined;
  headers?: Record<string, unknown> | undefined;
  body?: unknown;
  type?: string | undefined;
}

/** A request that can be sent more than once. */
export interface Prepared {
  method: string;
  url: string;
  headers: Headers;
  body: BodyInit | undefined;
  /** Whether the request is idempotent. */
  repeatable: boolean;
}

function urlOf(base: string, path: string, input: AnyInput): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = input.path?.[name];
    if (value === undefined || value === null || value === "") {
      throw new TypeError(`Cannot make the request: path.${name} is missing`);
    }
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  return base.replace(/\/+$/, "") + filled +
    (query.size > 0 ? `?${query}` : "");
}

const safe = new Set(["GET", "PUT", "DELETE"]);

/** Prepares the request of an operation. An upload without an Idempotency-Key gets one, so that it can be retried. */
export function prepare(
  { method, path, keyed = false }: OperationFacts,
  input: AnyInput,
  { base, headers: given }: { base: string; headers: Record<string, string> },
): Prepared {
  const headers = new Headers(given);
  for (const [name, value] of Object.entries(input.headers ?? {})) {
    if (value !== undefined && value !== null) headers.set(name, String(value));
  }
  if (keyed && !headers.has("idempotency-key")) {
    headers.set("idempotency-key", crypto.randomUUID());
  }
  let body: BodyInit | undefined;
  if (input.body !== undefined) {
    const type = input.type ?? "application/json";
    headers.set("content-type", type);
    body = type === "application/json" ? JSON.stringify(input.body) : input.body as BodyInit;
  }
  return {
    method,
    url: urlOf(base, path, input),
    headers,
    body,
    repeatable: !(body instanceof ReadableStream) &&
      (keyed || safe.has(method)),
  };
}

/** Creates the request to send. A stream needs `duplex`, which some type definitions lack. */
export function requestOf(
  { method, url, headers, body }: Prepared,
  signal: AbortSignal,
): Request {
  const init: RequestInit & { duplex?: "half" } = { method, headers, signal };
  if (body !== undefined) init.body = body;
  if (body instanceof ReadableStream) init.duplex = "half";
  return new Request(url, init);
}
