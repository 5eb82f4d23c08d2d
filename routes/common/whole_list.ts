import { z } from "@hono/zod-openapi";
import { readCursor, writeCursor } from "../../lib/paging/cursor.ts";
import type { Page } from "../../lib/paging/page.ts";
import { cursorParam, limitParam } from "./shared.ts";

const positionMax = 1_000_000_000;
const isPosition = (part: string) => /^\d{1,10}$/.test(part) && Number(part) <= positionMax;
const isKey = (part: string) => part.length <= 400;

/**
 * Cuts a page out of a list that is read whole, in its own order. A cursor names the list, the last row and the
 * place after it: pages stay right while rows come and go before it, and when that row itself is gone, a row may come
 * twice, but none is left out. Throws `invalid_request` for a cursor of another list.
 */
export function pageOf<T>(
  rows: readonly T[],
  { list, limit, cursor, keyOf }: {
    /** The list's name: a cursor of one list is refused by another. */
    list: string;
    limit: number;
    cursor?: string | undefined;
    keyOf: (row: T) => string;
  },
): Page<T> {
  const position = readCursor(cursor, [(part) => part === list, isKey, isPosition]);
  let start = 0;
  if (position) {
    const [, key = "", place = "0"] = position;
    const found = rows.findIndex((row) => keyOf(row).slice(0, 400) === key);
    start = found === -1 ? Math.max(0, Number(place) - 1) : found + 1;
  }
  const page = rows.slice(start, start + limit);
  const last = page.at(-1);
  const more = start + limit < rows.length;
  return {
    rows: page,
    next_cursor: more && last !== undefined
      ? writeCursor([list, keyOf(last).slice(0, 400), String(start + limit)])
      : null,
  };
}

/** The parameters of a list that was answered whole before: `limit` is as much as it may be, unless it is given. */
export const wholeListQuery = (max = 1_000) =>
  z.object({ limit: limitParam(max, max), cursor: cursorParam });
