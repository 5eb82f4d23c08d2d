import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ErrorCode } from "../../errors.ts";
import type { Scope } from "../../services/auth/scope.ts";
import { type ConventionalOperation, describeConventions, problemHeaders } from "./conventions.ts";
import { addExamples } from "./examples.ts";
import { faces } from "./problem.ts";
import { sessionCookie } from "../auth/guard.ts";
import { openPaths, scopeOf } from "../auth/scopes.ts";
import { type AppEnv, Problem } from "./shared.ts";

const methods = ["get", "post", "put", "patch", "delete"] as const;

const tags = [
  { name: "health", description: "The verdict, and the figures and checks that it rests on" },
  { name: "ticks", description: "Store and read ticks, and read candles" },
  { name: "instruments", description: "Instruments: the symbols that are traded" },
  { name: "quarantine", description: "Rows that were not stored, with the reason for each" },
  { name: "partitions", description: "Policies, plans, conversions, seals and archives" },
  { name: "alerts", description: "Alerts, their rules, silences, channels and deliveries" },
  { name: "diagnosis", description: "Locks, statements, indexes and incidents" },
  { name: "metrics", description: "Metrics, present and past, also in the format of Prometheus" },
  { name: "backups", description: "Backups, and the trial restores that prove them" },
  {
    name: "operations",
    description: "Long work: operations that continue after their request was answered",
  },
  { name: "rehearsals", description: "Tests of a change on copies of the database" },
  { name: "benchmarks", description: "Measurements of each optimisation on this server" },
  { name: "session", description: "Browser sessions: log in and log out" },
  { name: "access", description: "Tokens and the audit log" },
];

/** What any operation may answer, from the listener and the guards before it. */
const always: readonly ErrorCode[] = [
  "invalid_request",
  "forbidden",
  "request_timeout",
  "target_too_long",
  "expectation_failed",
  "head_too_large",
  "internal",
  "shutting_down",
  "too_many_connections",
];
const ofBodies: readonly ErrorCode[] = [
  "malformed_body",
  "body_too_large",
  "upload_stalled",
  "unsupported_media_type",
];
const ofDatabase: readonly ErrorCode[] = [
  "database_unavailable",
  "database_read_only",
  "database_error",
  "lock_timeout",
  "overloaded",
  "deadline_exceeded",
];
const ofWrites: readonly ErrorCode[] = ["conflict", "storage_full"];

interface Operation {
  operationId?: string;
  description?: string;
  requestBody?: unknown;
  responses?: Record<string, unknown>;
  security?: Record<string, string[]>[];
  "x-problems"?: ErrorCode[];
  "x-scope"?: Scope;
}

/** Operations that are answered from memory, whatever the database does. */
const needsNoDatabase = /^\/(api\/(health|instances|session|tokens)|metrics)(\/|$)/;

/** The codes of the problems that an operation may answer. */
function codesOf(method: string, path: string, operation: Operation): Set<ErrorCode> {
  const codes = new Set<ErrorCode>([...always, ...(operation["x-problems"] ?? [])]);
  const add = (more: readonly ErrorCode[]) => more.forEach((code) => codes.add(code));
  if (!openPaths.has(path)) add(["unauthorized", "rate_limited"]);
  if (path.includes("{")) codes.add("not_found");
  if (operation.requestBody) add(ofBodies);
  if (!needsNoDatabase.test(path)) {
    add(ofDatabase);
    if (method !== "get") add(ofWrites);
  }
  return codes;
}

/** Names and makes the response for the problems of one status, shared by all operations that may answer the same. */
function problemResponse(
  status: number,
  codes: readonly ErrorCode[],
  shared: Record<string, object>,
): { $ref: string } {
  const name = `Problem${status}_${codes.join("_")}`;
  shared[name] ??= {
    description: codes.map((code) => faces[code][1]).join("; "),
    ...(problemHeaders[status] ? { headers: problemHeaders[status] } : {}),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            {
              type: "object",
              properties: {
                status: { type: "integer", enum: [status] },
                code: { type: "string", enum: codes },
              },
            },
          ],
        },
      },
    },
  };
  return { $ref: `#/components/responses/${name}` };
}

function describeOperation(
  method: string,
  path: string,
  operation: Operation,
  shared: Record<string, object>,
): void {
  const responses = operation.responses ??= {};
  describeConventions(method, path, operation as ConventionalOperation);
  const byStatus = Map.groupBy([...codesOf(method, path, operation)], (code) => faces[code][0]);
  for (const status of [...byStatus.keys()].sort()) {
    // A verdict may be answered with 503 and no problem.
    responses[status] ??= problemResponse(status, (byStatus.get(status) ?? []).sort(), shared);
  }
  responses.default ??= {
    description: "A problem document (RFC 9457)",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
  delete operation["x-problems"];
  addExamples(operation);
  const open = openPaths.has(path);
  operation.security = open ? [] : [{ bearer: [] }, { session: [] }];
  const scope = scopeOf(method, operation.operationId);
  if (!open) operation["x-scope"] = scope;
  const access = open
    ? "Open to anyone."
    : `Needs the scope \`${scope}\` where tokens are required.`;
  operation.description = [operation.description, access].filter(Boolean).join(" ");
}

/** A pattern as each client can read it: without the flags of a JavaScript expression, and without classes that need one. */
const portablePattern = (pattern: string) =>
  pattern.replace(/^\/(.*)\/[a-z]*$|\/[a-z]+$/, "$1")
    .replaceAll("\\p{Cc}", "\\u0000-\\u001f\\u007f-\\u009f")
    // A lone surrogate is no text that JSON can carry, and without a flag the class would refuse whole pairs.
    .replaceAll("\\p{Cs}", "");

/** Mends what is right in a TypeScript schema and wrong, or hard on a client generator, in the document. */
function mendSchema(schema: Record<string, unknown>): void {
  const { pattern, prefixItems, allOf } = schema;
  if (typeof pattern === "string") schema.pattern = portablePattern(pattern);
  if (Array.isArray(prefixItems)) {
    // Generators know no tuples, or write wrong ones: a list of either, as long.
    delete schema.prefixItems;
    schema.items = { anyOf: prefixItems };
    schema.minItems = schema.maxItems = prefixItems.length;
  }
  if (Array.isArray(allOf)) {
    const [first, ...others] = allOf;
    // A composition of one schema and of words about it is that schema.
    if (others.every((other) => Object.keys(other).join() === "description")) {
      delete schema.allOf;
      Object.assign(schema, first, ...others);
    }
  }
}

function mendSchemas(value: unknown): void {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) mendSchema(value as Record<string, unknown>);
  for (const inner of Object.values(value)) mendSchemas(inner);
}

/**
 * Returns the OpenAPI document of the routes. Who may call an operation, and each problem that it may answer, follow from its
 * method, its path and its `x-problems`, and are said here instead of in each route.
 */
export function openApiDocument(router: OpenAPIHono<AppEnv>, version: string) {
  router.openAPIRegistry.register("Problem", Problem);
  router.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "A token of this server; not required if HOLDFAST_TOKEN is not set",
  });
  router.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description: "The cookie that POST /api/session sets",
  });
  const document = router.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version,
      description: "Keeps a time-series Postgres fast and intact, and proves it.",
      contact: { name: "The developers of Holdfast" },
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    // Not "/": some generators put it before a path that begins so, and "//api" is another host.
    servers: [{
      url: "http://127.0.0.1:8000",
      description: "Holdfast as `deno task serve` starts it",
    }],
    tags,
  });
  const shared: Record<string, object> = {};
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of methods) {
      const operation = item[method];
      if (operation) describeOperation(method, path, operation as Operation, shared);
    }
  }
  mendSchemas(document);
  document.components = { ...document.components, responses: shared as never };
  return document;
}
