import { type Hook, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Env } from "hono";
import { HTTPException } from "hono/http-exception";
import { HoldfastError } from "../../errors.ts";
import { suggestion } from "../../lib/text/nearest.ts";
import type { Scope } from "../../services/auth/scope.ts";
import type { Principal } from "../../services/auth/service.ts";
import type { Client } from "../auth/client.ts";

/** What the guards find out of every request. */
export interface Variables {
  requestId: string;
  client: Client;
  /** Who asks; undefined where nobody known does. */
  principal: Principal | undefined;
  role: Scope | "open";
}

export type AppEnv = Env & {
  /** `remote`: the address at the other end of the connection; `path`: where it differs from the URL's. */
  Bindings: { remote?: string; path?: string };
  Variables: Variables;
};

type Issue = z.core.$ZodIssue;

const unknownField = "is not a field of this request";

/** Where an issue is, and what it is, in the words of whoever wrote the request. */
function problemOf(issue: Issue, target: string): { path: string; message: string } {
  const unknown = issue.code === "unrecognized_keys";
  const path = [...issue.path, ...(unknown ? issue.keys.slice(0, 1) : [])].join(".") || target;
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return {
    path,
    message: unknown
      ? (issue.message.startsWith(unknownField) ? issue.message : unknownField)
      : missing
      ? `is required (${issue.expected})`
      : issue.message,
  };
}

const refuseInvalid: Hook<unknown, AppEnv, string, unknown> = (result, c) => {
  if (result.success) return;
  const sent = Number(c.req.header("content-length") ?? 0) > 0 ||
    c.req.header("transfer-encoding") !== undefined;
  if (result.target === "json" && sent && c.req.header("content-type") === undefined) {
    throw new HTTPException(415);
  }
  const problems = result.error.issues.slice(0, 20).map((issue) => problemOf(issue, result.target));
  throw new HoldfastError(
    "invalid_request",
    `Cannot read the ${result.target === "json" ? "body" : result.target}: ${problems[0]?.path}: ${
      problems[0]?.message
    }`,
    { problems },
  );
};

/** The fields a request's JSON may have; any other is refused by name, with the nearest of these. */
export function inputObject<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `${unknownField}${suggestion(issue.keys[0] ?? "", Object.keys(shape))}`
        : undefined,
  });
}

/** A router whose requests are validated by their schemas and refused with a problem that names the field. */
export function createRouter(
  options: ConstructorParameters<typeof OpenAPIHono<AppEnv>>[0] = {},
): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({ ...options, defaultHook: refuseInvalid });
}

const timeForm =
  "must be an RFC 3339 time with an offset, such as 2026-01-31T09:30:00Z (in a query, + is written %2B)";

/** An RFC 3339 time with an offset. */
export const Time = z.iso.datetime({
  offset: true,
  error: ({ code }) => code === "invalid_format" ? timeForm : undefined,
}).openapi({ example: "2026-01-31T09:30:00Z" });

/** A whole number in a path or query, written as digits alone: no sign, blank, exponent or leading zero. */
export const wholeParam = (min: number, max: number) =>
  z.string().regex(/^(0|[1-9]\d{0,14})$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number).pipe(z.int().min(min).max(max))
    .openapi({ type: "integer", minimum: min, maximum: max });

export const limitParam = (max: number, fallback: number) =>
  wholeParam(1, max).default(fallback).openapi({
    description: `Rows per page: at most ${max}, ${
      fallback === max ? "and as many" : fallback
    } by default`,
    default: fallback,
  });

export const cursorParam = z.string().max(512).optional().openapi({
  description: "The next_cursor of the previous page, unchanged; any other text is refused",
});

export const flagParam = z.enum(["true", "false", "1", "0"]).default("false").transform((value) =>
  value === "true" || value === "1"
);

/** The name of a table in a path, a query or a body: `schema.name`, unquoted. */
export const TableName = z.string().min(3).max(200)
  .regex(/^[^\0]+\.[^\0]+$/, "must be schema.name, such as market.ticks")
  .openapi({ description: "schema.name, unquoted", example: "market.ticks" });

/** The one parameter of everything that has a dry run. */
export const dryRunParam = z.enum(["true", "false"]).transform((value) => value === "true")
  .optional();

export const nextCursor = z.string().nullable();

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  sqlstate: z.string().optional().openapi({
    description: "The SQLSTATE, if an error of Postgres is the cause",
  }),
  errors: z.array(
    z.object({ line: z.int().optional(), path: z.string(), message: z.string() }),
  ).optional(),
  request_id: z.string().openapi({
    description: "Id of the request; also in the header x-request-id and in the log",
  }),
}).openapi("Problem");

/** A named schema or null: `.nullable()` of one would be lost in the document, which refers to it by name. */
export function orNull<S extends z.ZodType>(schema: S) {
  return z.union([schema, z.null()]);
}

/** The JSON body of a request, described for the document and validated. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { required: true, content: { "application/json": { schema } } };
}

/** A successful JSON answer. */
export function jsonAnswer<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { "application/json": { schema } } };
}
