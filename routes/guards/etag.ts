import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler, Next } from "hono";
import { HoldfastError } from "../../errors.ts";
import type { AppEnv } from "../common/shared.ts";

const kept = "private, no-cache";

/** Paths whose JSON answers carry an ETag: what is read, changed and sent back. */
const tagged = /^\/api\/(instruments(\/[^/]+)?|partitions\/policies(\/[^/]+)?|alerts\/rules)$/;

export const isTagged = (path: string) => tagged.test(path.replaceAll(/\{\w+\}/g, "x"));

/** The strong tag of a representation: equal for equal bytes. */
function tagOfText(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
}

/** The tag of what would be answered with this body. */
export const tagOf = (body: unknown): string => tagOfText(JSON.stringify(body));

/** The tag of the compressed bytes: a strong tag must not stand for other bytes. */
export const gzipTag = (tag: string): string => tag.replace(/"$/, '-gzip"');

/** The tag of the representation itself, whether its bytes were compressed or not. */
const plainTag = (tag: string): string => tag.replace(/^("[\w-]{22})-gzip"$/, '$1"');

const withoutWeakness = (tag: string): string => tag.replace(/^W\//, "");

const weakly = (tag: string): string => plainTag(withoutWeakness(tag));

const listed = /^\s*(W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*$/;

/** Reads the tags of If-Match or If-None-Match; throws `invalid_request` for what is neither `*` nor a list of tags. */
function tagsOf(name: string, header: string): "*" | string[] {
  if (header.trim() === "*") return "*";
  const tags = header.split(",");
  if (tags.length > 100 || !tags.every((tag) => listed.test(tag))) {
    const message = "must be * or tags in double quotes, as ETag has them";
    throw new HoldfastError("invalid_request", `Cannot read ${name}: it ${message}`, {
      problems: [{ path: name.toLowerCase(), message }],
    });
  }
  return tags.map((tag) => tag.trim());
}

/**
 * Gives the answers of tagged paths their ETag, and answers 304 to a GET whose If-None-Match has it. A browser may keep
 * these answers, and asks each time whether they still hold.
 */
export function etagGuard(): MiddlewareHandler<AppEnv> {
  async function addTag(c: Context<AppEnv>, next: Next): Promise<void> {
    const { method } = c.req;
    const reads = method === "GET" || method === "HEAD";
    const header = reads ? c.req.header("if-none-match") : undefined;
    const wanted = header === undefined ? undefined : tagsOf("If-None-Match", header);
    await next();
    if (!c.res.ok || !c.res.headers.get("content-type")?.includes("json")) return;
    const tag = tagOfText(await c.res.clone().text());
    c.header("ETag", tag);
    if (reads) c.header("Cache-Control", kept);
    const known = wanted === "*" ? tag : wanted?.find((one) => weakly(one) === tag);
    if (known === undefined) return;
    c.res = undefined;
    const headers = { ETag: withoutWeakness(known), "Cache-Control": kept };
    c.res = new Response(null, { status: 304, headers });
  }

  return (c, next) => tagged.test(c.req.path) ? addTag(c, next) : next();
}

/** Judges what is there now before it is changed; undefined: nothing is there. Throws `precondition_failed`. */
export type Precondition<T> = (current: T | undefined) => void;

/**
 * Returns the condition of If-Match (and of `If-None-Match: *`: nothing may be there), to be judged in the transaction
 * that makes the change; undefined without either. `show` makes what GET answers, whose tag is compared.
 */
export function preconditionOf<T>(
  c: Context<AppEnv>,
  show: (current: T) => unknown,
): Precondition<T> | undefined {
  const match = c.req.header("if-match");
  const noneMatch = c.req.header("if-none-match");
  if (match === undefined && noneMatch === undefined) return undefined;
  const wanted = match === undefined ? undefined : tagsOf("If-Match", match);
  const unwanted = noneMatch === undefined ? undefined : tagsOf("If-None-Match", noneMatch);
  return (current) => {
    const tag = current === undefined ? undefined : tagOf(show(current));
    // If-Match compares strongly: a weak tag never matches.
    const holds = wanted === undefined ||
      tag !== undefined && (wanted === "*" || wanted.some((one) => plainTag(one) === tag));
    const excluded = unwanted !== undefined && tag !== undefined &&
      (unwanted === "*" || unwanted.some((one) => weakly(one) === tag));
    if (holds && !excluded) return;
    throw new HoldfastError(
      "precondition_failed",
      excluded
        ? "It is there already, and If-None-Match asks that it is not; nothing was changed"
        : tag === undefined
        ? "It is not there, and If-Match asks for it; nothing was changed"
        : "It has changed since it was read: read it again, and send its new ETag in If-Match; nothing was changed",
      { problems: [{ path: holds ? "if-none-match" : "if-match", message: "does not hold" }] },
    );
  };
}
