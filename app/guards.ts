import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { Config } from "../config/config.ts";
import { HoldfastError } from "../errors.ts";
import type { RequestScope } from "../lib/request_scope.ts";
import type { Logger } from "../log.ts";
import type { openApiDocument } from "../routes/common/document.ts";
import type { AppEnv } from "../routes/common/shared.ts";
import type { Audit } from "../services/auth/audit.ts";
import type { Auth } from "../services/auth/service.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";
import type { RequestLog } from "../services/requests/request_log.ts";
import type { RequestKeys } from "../services/requests/keys.ts";
import { auditChanges, authGuard } from "../routes/auth/guard.ts";
import { compression } from "../routes/guards/compression.ts";
import { etagGuard } from "../routes/guards/etag.ts";
import { endWithClient } from "../routes/guards/end_with_client.ts";
import { idempotencyGuard } from "../routes/guards/idempotency.ts";
import { methodGuard } from "../routes/guards/method_guard.ts";
import { forgetEmptyBody } from "../routes/common/unknown.ts";
import { operationsOf } from "../routes/common/operation_document.ts";
import { requestGuard } from "../routes/guards/request_guard.ts";
import { accessLog } from "../routes/common/access_log.ts";
import { originGuard } from "../routes/auth/security.ts";
import { writeGuard } from "../routes/guards/write_guard.ts";
import { wholeBody } from "../routes/common/whole_body.ts";

/** The services that guards ask. */
export interface GuardServices {
  auth: Auth;
  audit: Audit;
  writeAccess: WriteAccess;
  requestKeys: RequestKeys;
  requestLog: RequestLog;
  isPrepared: () => boolean;
}

/** Largest JSON body in bytes. */
const jsonBodyMax = 1024 * 1024;

/** Paths that need no database. */
const withoutDatabase = /^\/api\/(databases|health|instances|metrics|session|tokens)(\/|$)/;

/** Refuses requests that need the database until it is prepared. */
function preparedGuard(isPrepared: () => boolean): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    if (!withoutDatabase.test(c.req.path) && !isPrepared()) {
      throw new HoldfastError("database_unavailable", "The database is not ready yet", {
        retryAfterSeconds: 2,
      });
    }
    return next();
  };
}

/**
 * Mounts what every request passes before its route, in order. `document` is called once the routes are there. A guard
 * that has nothing to wait for returns the promise of `next` itself: one of its own in each guard costs every request more
 * than what most of them check.
 */
export function mountGuards(
  router: OpenAPIHono<AppEnv>,
  { services, scope, config, log, document }: {
    services: GuardServices;
    scope: RequestScope;
    config: Config;
    log: Logger;
    document: () => ReturnType<typeof openApiDocument>;
  },
): void {
  router.use("*", accessLog(services.requestLog));
  router.use("/api/*", compression());
  // The reader at /docs loads it: 410 kB plain, 54 kB compressed.
  router.use("/openapi.json", compression());
  router.use(
    "*",
    originGuard({
      host: config.HOST,
      allowedHosts: config.HOLDFAST_ALLOWED_HOSTS,
      tokenRequired: services.auth.required,
    }),
  );
  let operations: ReturnType<typeof operationsOf> | undefined;
  const find = (method: string, path: string) =>
    (operations ??= operationsOf(document()))(method, path);
  router.use("*", auditChanges(services.audit, find));
  router.use(
    "*",
    authGuard({
      auth: services.auth,
      find,
      trustedProxies: config.HOLDFAST_TRUSTED_PROXIES,
      log,
    }),
  );
  router.use("*", methodGuard(() => router.routes));
  router.use(
    "*",
    wholeBody({
      maxBytes: jsonBodyMax,
      stallMs: config.HOLDFAST_BODY_STALL_SECONDS * 1000,
      totalMs: config.HOLDFAST_BODY_SECONDS * 1000,
    }, (c) => c.req.path === "/api/ticks"),
  );
  router.use("/api/*", preparedGuard(services.isPrepared));
  router.use("*", requestGuard(document));
  router.use("/api/*", endWithClient(scope));
  router.use("/api/*", writeGuard(services.writeAccess));
  router.use("/api/*", forgetEmptyBody());
  router.use("/api/*", idempotencyGuard(services.requestKeys));
  router.use("/api/*", etagGuard());
}
