import type { MiddlewareHandler } from "hono";
import type { Logger } from "../../log.ts";
import type { AppEnv } from "./shared.ts";

const quiet = /^\/(api\/health|api\/metrics|metrics|assets)(\/|$)/;

/** Numbers every request and logs it once; probes and assets only at debug level. */
export function accessLog(log: Logger): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const started = performance.now();
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    await next();
    const level = quiet.test(c.req.path) && c.res.status < 500 ? "debug" : "info";
    log[level]("request", {
      request_id: requestId,
      method: c.req.method,
      path: c.req.path,
      by: c.get("principal")?.name,
      address: c.get("client")?.address,
      status: c.res.status,
      duration_ms: Math.round((performance.now() - started) * 10) / 10,
    });
    if (c.res.status !== 101) c.res.headers.set("x-request-id", requestId);
  };
}
