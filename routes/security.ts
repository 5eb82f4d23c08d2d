import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { isLoopback } from "../config.ts";
import { HoldfastError } from "../errors.ts";
import type { Access, Role } from "../services/access.ts";
import type { AppEnv } from "./shared.ts";

export const sessionCookie = "holdfast_session";

/** Paths that anyone may ask: probes, and what a browser needs to log in. */
export const openPaths = new Set([
  "/api/health",
  "/api/health/live",
  "/api/health/ready",
  "/api/session",
  "/login",
]);

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
  return async (c, next) => {
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
    await next();
  };
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
}

/** Asks for a token where one is set: everything to change needs the admin's. */
export function accessGuard(access: Access): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    c.set("role", "open");
    if (!access.required) return await next();
    const token = bearerOf(c.req.header("authorization"));
    const session = getCookie(c, sessionCookie);
    const role: Role | undefined = token !== undefined
      ? access.roleOfToken(token)
      : session !== undefined
      ? access.roleOfSession(session)
      : undefined;
    if (role) c.set("role", role);
    if (openPaths.has(c.req.path) || c.req.path.startsWith("/assets/")) return await next();
    if (!role) {
      const page = c.req.header("accept")?.includes("text/html") && c.req.method === "GET";
      if (page) return c.redirect("/login");
      throw new HoldfastError(
        "unauthorized",
        "Send Authorization: Bearer with a token of this server",
      );
    }
    if (role === "read" && !["GET", "HEAD", "OPTIONS"].includes(c.req.method)) {
      throw new HoldfastError("forbidden", "This token may only read");
    }
    await next();
  };
}
