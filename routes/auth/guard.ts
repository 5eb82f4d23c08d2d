import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { HoldfastError } from "../../errors.ts";
import { groupOf } from "../../lib/ip_network.ts";
import type { Logger } from "../../log.ts";
import type { Audit } from "../../services/auth/audit.ts";
import { covers, isSafe } from "../../services/auth/scope.ts";
import { anybody, type Auth, type Principal } from "../../services/auth/service.ts";
import type { Operation } from "../common/operation_document.ts";
import type { AppEnv } from "../common/shared.ts";
import { clientReader } from "./client.ts";
import { openPaths, scopeOf } from "./scopes.ts";
import { tellRateLimit } from "../guards/rate_limit.ts";

export const sessionCookie = "holdfast_session";

type Find = (method: string, path: string) => Operation | undefined;

const operationAt = (find: Find, c: Context<AppEnv>) =>
  find(c.req.method === "HEAD" ? "GET" : c.req.method, c.req.path);

/** Counts and logs a wrong token; throws rate_limited while this client, or all together, must wait. */
export function refuseWrongToken(c: Context<AppEnv>, auth: Auth, log: Logger): void {
  const { address } = c.get("client");
  const waitMs = auth.wrongToken(groupOf(address));
  if (waitMs === undefined) {
    log.warn("wrong_credential", { address, path: c.req.path, request_id: c.get("requestId") });
    return;
  }
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  tellRateLimit(c, {
    policy: "wrong_tokens",
    quota: 1,
    windowSeconds: retryAfterSeconds,
    remaining: 0,
    resetSeconds: retryAfterSeconds,
  });
  throw new HoldfastError(
    "rate_limited",
    `Too many wrong tokens; the next one is checked in ${retryAfterSeconds} s. A valid token passes at once`,
    { retryAfterSeconds },
  );
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
}

/** Whether a browser goes to a page, rather than a program or a script to the API. */
function isPageVisit(c: Context<AppEnv>): boolean {
  const { method, path } = c.req;
  const mode = c.req.header("sec-fetch-mode");
  return isSafe(method) && !/^\/(api|metrics|ws|openapi\.json)(\/|$)/.test(path) &&
    (c.req.header("accept")?.includes("text/html") ?? false) &&
    (mode === undefined || mode === "navigate");
}

/** Whether the answer does not depend on who asks: a wrong token tells nothing there, and must not fail a probe. */
const isAnonymous = (path: string) =>
  path.startsWith("/assets/") || (openPaths.has(path) && path !== "/api/session");

/**
 * Identifies who asks, and refuses what their scope does not cover. An operation needs the scope that the document states;
 * for a path outside the document, reading needs `read` and changing needs `admin`.
 */
export function authGuard(
  { auth, find, trustedProxies, log }: {
    auth: Auth;
    find: Find;
    trustedProxies: readonly string[];
    log: Logger;
  },
): MiddlewareHandler<AppEnv> {
  const clientOf = clientReader(trustedProxies);

  function principalOf(c: Context<AppEnv>): Principal | undefined {
    // Who logs in is asked for the token in the body.
    const login = c.req.path === "/api/session" && c.req.method === "POST";
    const token = login ? undefined : bearerOf(c.req.header("authorization"));
    if (token === undefined) {
      const cookie = getCookie(c, sessionCookie);
      return cookie === undefined ? undefined : auth.bySession(cookie);
    }
    const principal = auth.byToken(token, c.get("client").address);
    if (!principal) refuseWrongToken(c, auth, log);
    return principal;
  }

  return (c, next) => {
    c.set("client", clientOf(c.env?.remote ?? "", (name) => c.req.header(name)));
    if (!auth.required) {
      c.set("principal", anybody);
      c.set("role", "open");
      return next();
    }
    c.set("role", "open");
    if (isAnonymous(c.req.path)) return next();
    const principal = principalOf(c);
    if (principal) {
      c.set("principal", principal);
      c.set("role", principal.scope);
    }
    if (openPaths.has(c.req.path)) return next();
    if (!principal) {
      if (isPageVisit(c)) {
        const { pathname, search } = new URL(c.req.url);
        const to = pathname + search;
        const login = to === "/" ? "/login" : `/login?to=${encodeURIComponent(to)}`;
        return Promise.resolve(c.redirect(login));
      }
      throw new HoldfastError(
        "unauthorized",
        "Send Authorization: Bearer with a token of this server",
      );
    }
    const operation = operationAt(find, c);
    const scope = operation ? operation.scope ?? "read" : scopeOf(c.req.method);
    if (!covers(principal.scope, scope)) {
      c.header(
        "WWW-Authenticate",
        `Bearer realm="holdfast", error="insufficient_scope", scope="${scope}"`,
      );
      throw new HoldfastError(
        "forbidden",
        `This operation needs the scope ${scope}; the token ${principal.name} has ${principal.scope}`,
      );
    }
    return next();
  };
}

/** Records each request for a change by a known principal, with its status. Others appear in the request log only. */
export function auditChanges(audit: Audit, find: Find): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    if (isSafe(c.req.method)) return;
    const principal = c.get("principal");
    const operation = principal && operationAt(find, c);
    if (!operation) return;
    audit.note({
      requestId: c.get("requestId"),
      principal,
      operation: operation.id,
      method: c.req.method,
      // As it was sent, in ASCII: what a database cannot store is escaped there.
      path: new URL(c.req.url).pathname,
      status: c.res.status,
      address: c.get("client").address,
    });
  };
}
