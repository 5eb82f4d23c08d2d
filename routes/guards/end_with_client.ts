import type { MiddlewareHandler } from "hono";
import type { RequestScope } from "../../lib/request_scope.ts";
import type { AppEnv } from "../common/shared.ts";

/** What changes nothing, though it has a body. */
const reads = new Set(["/api/alerts/rehearse", "/api/partitions/plan"]);
/** What changes nothing with `dry_run=true`. A dry run of a rebuild ends with its client by itself, as it may outlast it. */
const dryRuns = new Set(["/api/partitions/convert"]);

/**
 * Lets what is read for a request end when its client leaves. A change goes on, once it was asked for: whoever asked may
 * have given up waiting, and not what it wanted. An upload has rules of its own.
 */
export function endWithClient(scope: RequestScope): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    const { method, path } = c.req;
    const isRead = method === "GET" || method === "HEAD" || reads.has(path) ||
      dryRuns.has(path) && c.req.query("dry_run") === "true";
    return isRead ? scope.run(c.req.raw.signal, next) : next();
  };
}
