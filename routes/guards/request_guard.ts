import type { Context, MiddlewareHandler } from "hono";
import { HoldfastError, type InputProblem } from "../../errors.ts";
import { suggestion } from "../../lib/text/nearest.ts";
import { unusableText } from "../../lib/text/usable_text.ts";
import { describeJsonFault } from "../../services/ingest/parse/json_fault.ts";
import { type Operation, operationsOf } from "../common/operation_document.ts";
import type { AppEnv } from "../common/shared.ts";

/** The largest request of ours names a thousand rows. */
const limits = { depth: 64, values: 10_000 };

/** Bounds of the accepted queries that are kept: their number, and characters of each. */
const acceptedMax = 256;
const acceptedLengthMax = 256;

function refuse(detail: string, problems: InputProblem[]): never {
  throw new HoldfastError("invalid_request", detail, { problems });
}

/** Says whether the client sent a body, or announced one. */
export function hasBody(c: Context<AppEnv>): boolean {
  const length = c.req.header("content-length");
  if (length !== undefined) return Number(length) > 0;
  if (c.req.header("transfer-encoding") !== undefined) return true;
  // A request made inside this process has no Host and neither header.
  return c.req.header("host") === undefined && c.req.raw.body !== null;
}

/** Refuses a part of the address that is not percent-encoded UTF-8, or that holds a NUL. */
function checkEncoding(part: string, path: string): void {
  if (!part.includes("%")) return;
  let message: string | undefined;
  try {
    if (decodeURIComponent(part).includes("\0")) message = "holds a NUL";
  } catch {
    message = "is not percent-encoded UTF-8";
  }
  if (message) refuse(`Cannot read the address: ${path}: ${message}`, [{ path, message }]);
}

/** Refuses parameters that the operation does not have, and those given more than once. */
function checkQuery(c: Context<AppEnv>, { name, query }: Operation): void {
  const { search } = new URL(c.req.url);
  if (search === "") return;
  for (const pair of search.slice(1).split("&")) {
    const [key = ""] = pair.split("=");
    checkEncoding(pair, query.has(key) ? key : "query");
  }
  const seen = new Set<string>();
  const problems: InputProblem[] = [];
  for (const given of new URLSearchParams(search).keys()) {
    if (!query.has(given)) {
      problems.push({
        path: given.slice(0, 100),
        message: `is not a parameter of ${name}${suggestion(given, query)}`,
      });
    } else if (seen.has(given)) {
      problems.push({ path: given, message: "is given more than once" });
    }
    seen.add(given);
  }
  const [first] = problems;
  if (first) {
    refuse(`Cannot read the query: ${first.path} ${first.message}`, problems.slice(0, 20));
  }
}

/** Parses a JSON body; refuses text that is not JSON, with the line and the field of the fault. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { line, field = "json", words } = describeJsonFault(text);
    return refuse(`Malformed JSON in request body: line ${line}: ${words}`, [
      { line, path: field, message: `the body is not JSON: ${words}` },
    ]);
  }
}

/** Refuses a JSON body that is no UTF-8, no JSON, nested too deep, or holds text that no database can store. */
async function checkJson(c: Context<AppEnv>): Promise<void> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await c.req.arrayBuffer());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse("The body is not UTF-8", [{ path: "json", message: "is not UTF-8" }]);
  }
  const problem = unusableText(text, limits);
  if (problem) refuse(`Cannot read the body: ${problem.path}: ${problem.message}`, [problem]);
  if (text === "") return;
  const value = parseBody(text);
  // The validator of the route asks for it next, and would parse the text again.
  c.req.json = <T>() => Promise.resolve(value as T);
}

/** Refuses a body whose type is missing or not taken. */
function refuseType(wanted: string | undefined): never {
  const message = `Send the body with Content-Type: ${wanted}`;
  throw new HoldfastError("unsupported_media_type", message, {
    problems: [{ path: "content-type", message }],
  });
}

/**
 * Refuses a body where none is taken, and one whose type is missing or is not taken: nothing sent is ignored. Returns the
 * check of a JSON body, which has to be read first.
 */
function checkBody(c: Context<AppEnv>, { name, bodyTypes }: Operation): Promise<void> | undefined {
  if (!hasBody(c)) return;
  if (bodyTypes.length === 0) {
    refuse(`${name} takes no body`, [{ path: "body", message: "is not taken here" }]);
  }
  // Uploads name their own formats, and are streamed.
  if (bodyTypes.length > 1) return;
  const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== bodyTypes[0]) refuseType(bodyTypes[0]);
  return type === "application/json" ? checkJson(c) : undefined;
}

/**
 * Holds each request to what the OpenAPI document publishes for its operation: its query parameters, each given once, and
 * whether and as what it takes a body. Paths and methods that the document does not have are left to whoever answers them.
 */
export function requestGuard(document: () => { paths?: object }): MiddlewareHandler<AppEnv> {
  let find: ReturnType<typeof operationsOf> | undefined;
  /** Operations with queries that were accepted: senders repeat theirs. */
  const accepted = new Set<string>();

  function checkOnce(c: Context<AppEnv>, operation: Operation): void {
    const at = c.req.url.indexOf("?");
    if (at < 0) return;
    const asked = `${operation.name} ${c.req.url.slice(at)}`;
    if (accepted.has(asked)) return;
    checkQuery(c, operation);
    if (asked.length > acceptedLengthMax) return;
    if (accepted.size >= acceptedMax) accepted.clear();
    accepted.add(asked);
  }

  return (c, next) => {
    find ??= operationsOf(document());
    if (c.req.url.includes("%")) checkEncoding(new URL(c.req.url).pathname, "path");
    const operation = find(c.req.method === "HEAD" ? "GET" : c.req.method, c.req.path);
    if (operation) checkOnce(c, operation);
    const checking = operation && checkBody(c, operation);
    return checking ? checking.then(() => next()) : next();
  };
}
