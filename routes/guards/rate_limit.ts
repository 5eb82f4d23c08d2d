import type { Context } from "hono";
import type { AppEnv } from "../common/shared.ts";

/** What a caller has left of a limit by number and time. */
export interface RateLimit {
  /** The name of the limit, such as `wrong_tokens`: letters, digits, `_` and `-`. */
  policy: string;
  /** Requests in each window. */
  quota: number;
  windowSeconds: number;
  remaining: number;
  /** Until the window ends. */
  resetSeconds: number;
}

/**
 * Returns the headers of a limit as draft-ietf-httpapi-ratelimit-headers-10 writes them:
 * `RateLimit-Policy: "wrong_tokens";q=1;w=8` and `RateLimit: "wrong_tokens";r=0;t=8`.
 */
export function rateLimitHeaders(
  { policy, quota, windowSeconds, remaining, resetSeconds }: RateLimit,
): Record<"RateLimit-Policy" | "RateLimit", string> {
  if (!/^[\w-]{1,64}$/.test(policy)) throw new RangeError(`Cannot name a limit ${policy}`);
  const whole = (value: number) => String(Math.max(0, Math.ceil(value)));
  return {
    "RateLimit-Policy": `"${policy}";q=${whole(quota)};w=${whole(windowSeconds)}`,
    "RateLimit": `"${policy}";r=${whole(remaining)};t=${whole(resetSeconds)}`,
  };
}

/** Says with this answer, a problem too, what the caller has left. */
export function tellRateLimit(c: Context<AppEnv>, limit: RateLimit): void {
  for (const [name, value] of Object.entries(rateLimitHeaders(limit))) c.header(name, value);
}
