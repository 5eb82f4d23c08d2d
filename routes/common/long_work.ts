import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import type { Operations, Work } from "../../services/requests/operations.ts";
import { jsonAnswer, orNull, Time } from "./shared.ts";
import type { AppEnv } from "./shared.ts";

export const Operation = z.object({
  id: z.uuid(),
  kind: z.string().openapi({ example: "candle_rebuild" }),
  subject: z.string().openapi({ description: "The table or symbol that the operation is about" }),
  status: z.enum(["running", "succeeded", "failed", "aborted"]).openapi({
    description:
      "aborted: somebody aborted the operation, or the instance that ran it ended; problems states which",
  }),
  progress: orNull(z.object({
    step: z.string().openapi({ example: "load the rows" }),
    done: z.number().openapi({ description: "Units of this step that are done" }),
    of: z.number().nullable().openapi({ description: "Units of this step; null: not known" }),
    unit: z.enum(["partitions", "statements", "rows", "bytes"]).nullable().openapi({
      description: "What done and of count; null: reported by an earlier version",
    }),
  })),
  result: z.looseObject({}).nullable().openapi({
    description:
      "What the request would have answered; null until the operation has succeeded. After an abort, the part that was done",
  }),
  problems: z.array(z.object({ code: z.string(), detail: z.string() })).openapi({
    description:
      "What went wrong. While an aborted operation still runs, what it must finish first (code aborting)",
  }),
  started_at: Time,
  updated_at: Time,
  finished_at: Time.nullable(),
}).openapi("Operation");

/** Seconds after which asking again is worth it. */
export const pollSeconds = "2";

/** How long a request waits for the end of its work, unless `Prefer` says otherwise; milliseconds. */
const waitMs = 25_000;
const waitSecondsMax = 60;

/** The headers of every 202. */
export const pollHeaders = z.object({
  Location: z.string().openapi({ description: "Path that returns the progress" }),
  "Retry-After": z.string().openapi({ description: "Seconds to wait before the next request" }),
});

/** The answer of work that outlasts its request. */
export const operationAnswer = {
  ...jsonAnswer(Operation, "The work continues; request the operation that Location names"),
  headers: pollHeaders,
};

/** The header by which a caller says how long it waits (RFC 7240). */
export const preferHeader = z.object({
  prefer: z.string().max(200).optional().openapi({
    description:
      `respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most ${waitSecondsMax}). Default: ${
        waitMs / 1000
      } seconds`,
    example: "respond-async",
  }),
});

/** What Prefer asks for: how long to wait, and whether the caller knows that it may be answered with 202. */
export function preferenceOf(header: string | undefined): { waitMs: number; isAsync: boolean } {
  const wishes = (header ?? "").toLowerCase().split(",").map((wish) => wish.trim());
  const isAsync = wishes.includes("respond-async");
  const wait = wishes.map((wish) => /^wait\s*=\s*"?(\d{1,4})"?$/.exec(wish)?.[1])
    .find((seconds) => seconds !== undefined);
  const seconds = wait === undefined ? undefined : Math.min(Number(wait), waitSecondsMax);
  return { waitMs: seconds === undefined ? (isAsync ? 0 : waitMs) : seconds * 1000, isAsync };
}

/** Carries out work, and answers with its result, or with 202 and an operation when it takes longer than the caller waits. */
export async function answerWork<T extends object>(
  c: Context<AppEnv>,
  operations: Pick<Operations, "begin">,
  work: Work<T>,
) {
  const { waitMs, isAsync } = preferenceOf(c.req.header("prefer"));
  const outcome = await operations.begin(work, waitMs);
  // As plain as JSON makes it; the operation's own type is for the callers of `begin`.
  if ("result" in outcome) return c.json(outcome.result as never, 200);
  c.header("Location", `/api/operations/${outcome.operation.id}`);
  c.header("Retry-After", pollSeconds);
  if (isAsync) c.header("Preference-Applied", "respond-async");
  return c.json(outcome.operation, 202);
}

/** Reads the one query parameter of dry runs, and its old form in the body; throws where the two differ. */
export function isDryRun(query: boolean | undefined, body: boolean | undefined): boolean {
  if (query !== undefined && body !== undefined && query !== body) {
    const message = "says something else than dry_run in the body";
    throw new HoldfastError("invalid_request", `Cannot read the query: dry_run ${message}`, {
      problems: [{ path: "dry_run", message }],
    });
  }
  return query ?? body ?? false;
}
