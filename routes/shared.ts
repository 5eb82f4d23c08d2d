import { type Hook, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Env } from "hono";
import { HTTPException } from "hono/http-exception";
import { HoldfastError } from "../errors.ts";

/** What the composition root hands to every request. */
export interface Variables {
  requestId: string;
  role: "admin" | "read" | "open";
}

export type AppEnv = Env & { Variables: Variables };

type Issue = z.core.$ZodIssue;

/** Where an issue is, and what it is, in the words of whoever wrote the request. */
function problemOf(issue: Issue, target: string): { path: string; message: string } {
  const unknown = issue.code === "unrecognized_keys";
  const path = [...issue.path, ...(unknown ? issue.keys.slice(0, 1) : [])].join(".") || target;
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return {
    path,
    message: unknown
      ? "is not a field of this request"
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

/** A router whose requests are validated by their schemas and refused with a problem that names the field. */
export function createRouter(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
}

/** An RFC 3339 time with an offset. */
export const Time = z.iso.datetime({ offset: true }).openapi({ example: "2026-01-31T09:30:00Z" });

export const limitParam = (max: number, fallback: number) =>
  z.coerce.number().int().min(1).max(max).default(fallback).openapi({
    description: "Rows per page",
  });

export const cursorParam = z.string().max(512).optional().openapi({
  description: "The next_cursor of the page before",
});

export const flagParam = z.enum(["true", "false", "1", "0"]).default("false").transform((value) =>
  value === "true" || value === "1"
);

export const nextCursor = z.string().nullable();

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  sqlstate: z.string().optional().openapi({
    description: "The code that Postgres gave with its error, where one lies behind this",
  }),
  errors: z.array(
    z.object({ line: z.int().optional(), path: z.string(), message: z.string() }),
  ).optional(),
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
