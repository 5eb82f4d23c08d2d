import { HoldfastError } from "../../errors.ts";
import { isStoredTime, parseTimestamp } from "../ingest/timestamp.ts";

/** Returns the position of a page's last row as opaque text. */
export function writeCursor(position: readonly string[]): string {
  return btoa(JSON.stringify(position)).replaceAll("+", "-").replaceAll("/", "_").replaceAll(
    "=",
    "",
  );
}

/** Reads a cursor; `valid` checks its parts one by one. Throws `invalid_request`. */
export function readCursor(
  cursor: string | undefined,
  valid: readonly ((part: string) => boolean)[],
): string[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    if (
      Array.isArray(parts) && parts.length === valid.length &&
      parts.every((part, at) => typeof part === "string" && valid[at]?.(part))
    ) return parts;
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

/** Checks of a part, so that no value reaches the database that it would refuse. */
export const cursorParts = {
  time: (part: string) => isStoredTime(parseTimestamp(part)),
  number: (part: string) => /^\d{1,19}$/.test(part) && BigInt(part) < 2n ** 63n,
  id: (part: string) => /^\d{1,10}$/.test(part) && Number(part) < 2 ** 31,
  uuid: (part: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(part),
};
