import type { MiddlewareHandler } from "hono";
import { isLoopback } from "../../config/config.ts";
import { HoldfastError } from "../../errors.ts";
import type { AppEnv } from "../common/shared.ts";

const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Headers that keep a browser from doing anything with a page but show it; the listener gives them to every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

const ipLiteral = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

/** The host name of a Host header or URL authority, without its port. */
function hostName(authority: string): string {
  return authority.replace(/:\d+$/, "").toLowerCase();
}

/**
 * Refuses requests that a page of another site could have caused: a Host that is not ours (DNS rebinding needs a
 * name; addresses are safe), or an Origin that is not the Host (cross-site requests and WebSockets).
 */
export function originGuard(
  { host, allowedHosts, tokenRequired }: {
    host: string;
    allowedHosts: readonly string[];
    tokenRequired: boolean;
  },
): MiddlewareHandler<AppEnv> {
  const names = new Set([host, ...allowedHosts].map((name) => name.toLowerCase()));
  const isOurs = (name: string) =>
    tokenRequired || isLoopback(name) || ipLiteral.test(name) || names.has(name);
  return (c, next) => {
    // A request made inside this process has a URL, and no Host.
    const authority = c.req.header("host") ?? new URL(c.req.url).host;
    if (!isOurs(hostName(authority))) {
      throw new HoldfastError(
        "forbidden",
        "This server does not answer to that Host; add it to HOLDFAST_ALLOWED_HOSTS",
      );
    }
    const origin = c.req.header("origin");
    const changes = !["GET", "HEAD", "OPTIONS"].includes(c.req.method);
    const upgrades = c.req.header("upgrade") !== undefined;
    if (origin !== undefined && (changes || upgrades)) {
      const from = URL.canParse(origin) ? new URL(origin).host : origin;
      if (from !== authority) {
        throw new HoldfastError("forbidden", "Requests from pages of another origin are refused");
      }
    }
    if (changes && c.req.header("sec-fetch-site") === "cross-site") {
      throw new HoldfastError("forbidden", "Requests from pages of another origin are refused");
    }
    return next();
  };
}
