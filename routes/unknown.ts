import type { MiddlewareHandler, NotFoundHandler } from "hono";
import { HoldfastError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { pathPattern } from "./operations.ts";
import { answerProblem } from "./problem.ts";
import { hasBody } from "./request_guard.ts";
import type { AppEnv } from "./shared.ts";

/** The methods a document publishes for a path, in upper case; none for a path it does not know. */
export function methodsIn(
  { paths = {} }: { paths?: object },
): (path: string) => readonly string[] {
  const known = Object.entries(paths).map(([path, operations]) => ({
    pattern: pathPattern(path),
    methods: Object.keys(operations ?? {}).map((method) => method.toUpperCase()),
  }));
  return (path) => known.flatMap(({ pattern, methods }) => pattern.test(path) ? methods : []);
}

/** Says that nothing is there, or that what is there takes other methods. */
export function answerUnknown(document: { paths?: object }, log: Logger): NotFoundHandler<AppEnv> {
  const methodsAt = methodsIn(document);
  return (c) => {
    const { method, path } = c.req;
    const methods = methodsAt(path);
    if (methods.length === 0 || methods.includes(method === "HEAD" ? "GET" : method)) {
      return answerProblem(new HoldfastError("not_found", `Nothing is at ${path}`), c, log);
    }
    const allowed = [...new Set(methods)].join(", ");
    c.header("Allow", allowed);
    return answerProblem(
      new HoldfastError("method_not_allowed", `${path} takes ${allowed}, not ${method}`),
      c,
      log,
    );
  };
}

/** A client that names a type for a body it does not send has sent none: what need not be sent is not missed. */
export function forgetEmptyBody(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // An upload of nothing is judged by its format, like the rest.
    const upload = c.req.path === "/api/ticks";
    const internal = c.req.header("host") === undefined;
    if (!upload && !internal && !hasBody(c)) c.req.raw.headers.delete("content-type");
    await next();
  };
}
