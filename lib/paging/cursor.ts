import { HoldfastError } from "../../errors.ts";

/** Checks one part of a cursor, so that no value reaches the database that it would refuse. */
export type CursorPart = (part: string) => boolean;

/** Returns the position of a page's last row as opaque text. */
export function writeCursor(position: readonly string[]): string {
  return btoa(JSON.stringify(position)).replaceAll("+", "-").replaceAll("/", "_").replaceAll(
    "=",
    "",
  );
}

/** Reads a cursor; `valid` checks its parts one by one. Throws `invalid_request`. */
export function readCursor<const P extends readonly CursorPart[]>(
  cursor: string | undefined,
  valid: P,
): { [K in keyof P]: string } | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    if (
      Array.isArray(parts) && parts.length === valid.length &&
      parts.every((part, at) => typeof part === "string" && valid[at]?.(part))
    ) return parts as { [K in keyof P]: string };
  } catch {
    // refused below
  }
  throw new HoldfastError(
    "invalid_request",
    "The cursor is not from this server; omit it to read from the beginning",
    {
      problems: [{ path: "cursor", message: "not a cursor of this list" }],
    },
  );
}

const writtenTime = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/** Says whether text is a time as lists show it: RFC 3339 in UTC, of a day that exists. */
function isTime(part: string): boolean {
  if (!writtenTime.test(part)) return false;
  const date = new Date(part);
  // A day or an hour too many would count on.
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === part.slice(0, 19);
}

export const cursorParts = {
  time: isTime,
  number: (part: string) => /^\d{1,19}$/.test(part) && BigInt(part) < 2n ** 63n,
  id: (part: string) => /^\d{1,10}$/.test(part) && Number(part) < 2 ** 31,
  uuid: (part: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(part),
};
