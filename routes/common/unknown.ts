import type { MiddlewareHandler, NotFoundHandler } from "hono";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { answerProblem } from "./problem.ts";
import { hasBody } from "../guards/request_guard.ts";
import type { AppEnv } from "./shared.ts";

/** Says that nothing is there. */
export function answerUnknown(log: Logger): NotFoundHandler<AppEnv> {
  return (c) =>
    answerProblem(new HoldfastError("not_found", `Nothing is at ${c.req.path}`), c, log);
}

/** A client that names a type for a body it does not send has sent none: what need not be sent is not missed. */
export function forgetEmptyBody(): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    // An upload of nothing is judged by its format, like the rest.
    const isUpload = c.req.path === "/api/ticks";
    const isInternal = () => c.req.header("host") === undefined;
    if (!isUpload && !isInternal() && !hasBody(c)) c.req.raw.headers.delete("content-type");
    return next();
  };
}
