import type { MiddlewareHandler } from "hono";
import type { RequestLog } from "../../services/requests/request_log.ts";
import type { AppEnv } from "./shared.ts";

/** Numbers every request, and records its answer. */
export function accessLog(requests: Pick<RequestLog, "record">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const started = performance.now();
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    await next();
    requests.record({
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
