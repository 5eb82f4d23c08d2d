import type { Scope } from "../../services/auth/scope.ts";

/** What the OpenAPI document says of one operation. */
export interface Operation {
  /** Method and path as published, such as `GET /api/ticks`. */
  name: string;
  id: string;
  /** What whoever asks must hold; undefined where anybody may. */
  scope: Scope | undefined;
  /** The names of its query parameters. */
  query: ReadonlySet<string>;
  /** The media types of its body; none where it takes no body. */
  bodyTypes: readonly string[];
}

interface Published {
  operationId?: string;
  "x-scope"?: Scope;
  parameters?: { name?: string; in?: string }[];
  requestBody?: { content?: object };
}

const methods = ["get", "post", "put", "patch", "delete"] as const;

/** Returns the pattern of a published path: a part in braces stands for one part of any letters. */
export function pathPattern(path: string): RegExp {
  const parts = path.split("/").map((part) =>
    part.startsWith("{") ? "[^/]+" : part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${parts.join("/")}$`);
}

/** Returns how to find the operation of a method and a path; undefined where the document has none. */
export function operationsOf(
  { paths = {} }: { paths?: object },
): (method: string, path: string) => Operation | undefined {
  const exact = new Map<string, Operation>();
  const patterns: { method: string; pattern: RegExp; operation: Operation }[] = [];
  for (const [path, item] of Object.entries(paths) as [string, Record<string, Published>][]) {
    for (const method of methods) {
      const published = item[method];
      if (!published) continue;
      const name = `${method.toUpperCase()} ${path}`;
      const operation = {
        name,
        id: published.operationId ?? name,
        scope: published["x-scope"],
        query: new Set(
          (published.parameters ?? []).filter((one) => one.in === "query")
            .map((one) => one.name ?? ""),
        ),
        bodyTypes: Object.keys(published.requestBody?.content ?? {}),
      };
      if (path.includes("{")) {
        patterns.push({ method: method.toUpperCase(), pattern: pathPattern(path), operation });
      } else exact.set(name, operation);
    }
  }
  return (method, path) =>
    exact.get(`${method} ${path}`) ??
      patterns.find((one) => one.method === method && one.pattern.test(path))?.operation;
}
