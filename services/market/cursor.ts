import { HoldfastError } from "../../errors.ts";

/** Where a page ended, as opaque text. */
export function writeCursor(position: readonly string[]): string {
  return btoa(JSON.stringify(position)).replaceAll("+", "-").replaceAll("/", "_").replaceAll(
    "=",
    "",
  );
}

/** Reads a cursor of `length` parts, each passing `valid`; anything else is the caller's mistake. */
export function readCursor(
  cursor: string | undefined,
  valid: readonly RegExp[],
): string[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    if (
      Array.isArray(parts) && parts.length === valid.length &&
      parts.every((part, at) => typeof part === "string" && valid[at]?.test(part))
    ) return parts;
  } catch {
    // falls through to the refusal
  }
  throw new HoldfastError("invalid_request", "The cursor is not one this server gave out", {
    problems: [{ path: "cursor", message: "not a cursor of this list" }],
  });
}

export const cursorParts = {
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/,
  number: /^\d{1,19}$/,
  uuid: /^[0-9a-f-]{36}$/,
};
