import type { MiddlewareHandler } from "hono";
import { HoldfastError } from "../../errors.ts";
import type { AppEnv } from "../common/shared.ts";

/** A route as the router lists it: a method, and a path with parts such as `:id` and `:name{.+}`. */
export interface RouteEntry {
  method: string;
  path: string;
}

function patternOf(path: string): RegExp {
  const parts = path.split("/").map((part) => {
    if (part.startsWith(":")) return part.endsWith("{.+}") ? ".+" : "[^/]+";
    return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}

const usualOrder = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Returns how to find the methods of a path, as `Allow` lists them; none for a path that no route has. Where GET is
 * taken, so is HEAD; a path that takes anything takes OPTIONS. Paths without parameters are matched in advance: matching
 * every route for each request costs more than any other guard.
 */
export function methodsOf(routes: readonly RouteEntry[]): (path: string) => readonly string[] {
  const known = routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  const match = (path: string): readonly string[] => {
    const found = new Set(
      known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method),
    );
    if (found.size === 0) return [];
    if (found.has("GET")) found.add("HEAD");
    found.add("OPTIONS");
    return usualOrder.filter((method) => found.has(method));
  };
  const fixed = new Map(
    routes.filter(({ path }) => !/[:*]/.test(path)).map(({ path }) => [path, match(path)]),
  );
  return (path) => fixed.get(path) ?? match(path);
}

/**
 * Answers a method that a known path does not take with 405 and `Allow`, before anything else of the request is judged,
 * and OPTIONS with 204 and the same list. Unknown paths are left to whoever answers them.
 */
export function methodGuard(routes: () => readonly RouteEntry[]): MiddlewareHandler<AppEnv> {
  let find: ReturnType<typeof methodsOf> | undefined;
  return (c, next) => {
    find ??= methodsOf(routes());
    const { method, path } = c.req;
    const methods = find(path);
    if (methods.length === 0) return next();
    if (method === "OPTIONS") {
      return Promise.resolve(c.body(null, 204, { allow: methods.join(", ") }));
    }
    if (methods.includes(method)) return next();
    c.header("Allow", methods.join(", "));
    throw new HoldfastError(
      "method_not_allowed",
      `${path} takes ${methods.join(", ")}, not ${method}`,
    );
  };
}
