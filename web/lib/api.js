// One way to ask Holdfast: JSON, a deadline, and refusals as one kind of error.
import { serverNow } from "./clock.js";
import { ownPath } from "./database.js";

/** No good answer: `kind` is "network", "timeout" or "http" (then `status` and `problem` are set). */
export class ApiError extends Error {
  constructor(kind, message, status = 0, problem = null) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = status;
    this.problem = problem;
  }
}

/** When Holdfast last answered anything at all (ms of its clock), or null; and who wants to know. */
export const contact = { answeredAt: null, silent: false, listeners: new Set() };

const LEAST_BETWEEN_MS = 5_000;
let turnedAt = 0;

/** Notifies the listeners when Holdfast stops and resumes answering, at a limited rate. */
function turn(silent) {
  if (contact.silent === silent || Date.now() - turnedAt < LEAST_BETWEEN_MS) return;
  contact.silent = silent;
  turnedAt = Date.now();
  for (const listener of contact.listeners) listener();
}

let leaving = false;

/** Opens the sign-in page, which returns to this one. */
export function signIn() {
  if (leaving) return;
  leaving = true;
  // A page that the browser restores as it was left shows what only those who are signed in may see.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`);
}

/**
 * Asks and answers parsed JSON (or null for an empty body). `also` names statuses whose body is an
 * answer too, such as 503 from /api/health. Throws ApiError.
 */
export async function request(path, options = {}) {
  const { method = "GET", body, prefer, deadline = 8_000, also = [], login = true } = options;
  const headers = { accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (prefer) headers.prefer = prefer;
  let response;
  let text;
  try {
    response = await fetch(ownPath(path), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      // What may be kept is sent again only when it has changed.
      cache: "no-cache",
      signal: AbortSignal.timeout(deadline),
    });
    text = await response.text();
  } catch (cause) {
    const late = cause?.name === "TimeoutError";
    if (!late) turn(true);
    throw new ApiError(
      late ? "timeout" : "network",
      late ? `No answer within ${Math.round(deadline / 1000)} s` : "No connection",
    );
  }
  contact.answeredAt = serverNow();
  turn(false);
  if (response.status === 401 && login) signIn();
  const data = parse(text);
  if (!response.ok && !(also.includes(response.status) && data)) {
    const said = data?.detail ?? data?.title ?? `Holdfast answered ${response.status}`;
    throw new ApiError("http", String(said), response.status, data ?? null);
  }
  if (data === undefined) throw new ApiError("http", "The answer is not JSON", response.status);
  return data;
}

function parse(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a list page by page (`next_cursor`), at most `pages` of them; answers its items. */
export async function requestList(path, plural, pages = 1) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < pages; page += 1) {
    const joint = path.includes("?") ? "&" : "?";
    const data = await request(
      cursor ? `${path}${joint}cursor=${encodeURIComponent(cursor)}` : path,
    );
    if (Array.isArray(data?.[plural])) items.push(...data[plural]);
    cursor = data?.next_cursor ?? null;
    if (!cursor) break;
  }
  return items;
}
