import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler, Next } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, HoldfastError } from "../../errors.ts";
import type { Outcome, RequestKeys } from "../../services/requests/keys.ts";
import type { AppEnv } from "../common/shared.ts";

/** Set to `true` on an answer that was given before to the same key. */
export const replayedHeader = "Idempotency-Replayed";

/** Reads an Idempotency-Key; throws `invalid_request` for one that is not 1 to 255 visible ASCII characters. */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw new HoldfastError(
      "invalid_request",
      "Idempotency-Key must be 1 to 255 visible ASCII characters",
      {
        problems: [{ path: "idempotency-key", message: "1 to 255 visible ASCII characters" }],
      },
    );
  }
  return header;
}

/**
 * Uploads keep their keys with their rows, in one transaction; a session is a cookie of one browser; the answer with a new
 * token holds its secret, which is kept nowhere.
 */
const withoutKeys = new Set(["/api/ticks", "/api/session", "/api/tokens"]);

/** Whether an operation honours the header by way of this guard. */
export const takesKey = (method: string, path: string) =>
  method.toUpperCase() === "POST" && path.startsWith("/api/") && !withoutKeys.has(path);

/** Errors with which a request is refused before it does anything, or undone as a whole. */
const undone = new Set<ErrorCode>([
  "overloaded",
  "rate_limited",
  "database_read_only",
  "storage_full",
  "shutting_down",
  "lock_timeout",
]);

const keptHeaders = ["content-type", "location", "etag", "retry-after"];

async function outcomeOf(c: Context<AppEnv>): Promise<Outcome> {
  const { status } = c.res;
  if (status >= 400) {
    const refused = status < 500 || c.error instanceof HoldfastError && undone.has(c.error.code);
    return refused ? "nothing done" : "unknown";
  }
  const headers = Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = c.res.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  return { status, headers, body: await c.res.clone().text() };
}

/**
 * Carries out a POST once for each Idempotency-Key: sent again, it is answered as it was, with `Idempotency-Replayed: true`.
 * Only what succeeded is kept; a refusal leaves the key free.
 */
export function idempotencyGuard(keys: Pick<RequestKeys, "once">): MiddlewareHandler<AppEnv> {
  async function once(c: Context<AppEnv>, key: string, next: Next): Promise<Response | void> {
    const fingerprint = createHash("sha256")
      .update(new URL(c.req.url).search).update("\n")
      .update(new Uint8Array(await c.req.arrayBuffer()))
      .digest("hex");
    const kept = await keys.once(
      { path: c.req.path.slice(0, 1_000), key },
      fingerprint,
      async () => {
        await next();
        return await outcomeOf(c);
      },
    );
    if (!kept) return;
    const { status, headers, body } = kept;
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    c.header(replayedHeader, "true");
    return c.newResponse(body === "" ? null : body, status as ContentfulStatusCode);
  }

  return (c, next) => {
    if (!takesKey(c.req.method, c.req.path)) return next();
    const key = idempotencyKeyOf(c.req.header("idempotency-key"));
    return key === undefined ? next() : once(c, key, next);
  };
}
