import { type CursorPart, readCursor, writeCursor } from "./cursor.ts";

/** Rows of a page, and where the next one begins; null after the last. */
export interface Page<T> {
  rows: T[];
  next_cursor: string | null;
}

/** What a request asks of a list: at most `limit` rows, after those of the page that ended with `cursor`. */
export interface PageQuery {
  limit: number;
  cursor?: string | undefined;
}

/** Cuts a page of `limit` rows out of a list that was asked for one more: with that one there is a next page. */
export function cutPage<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): Page<T> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    rows: rows.slice(0, limit),
    next_cursor: last === undefined ? null : cursorOf(last),
  };
}

/**
 * Reads a page of a list that has an order. `read` returns at most `rowsMax` rows after a position of that order, or from
 * the beginning; `positionOf` is the position of a row, whose parts `parts` checks. Throws `invalid_request` for a cursor
 * of another list.
 */
export async function readPage<T, const P extends readonly CursorPart[]>(
  { limit, cursor }: PageQuery,
  { parts, read, positionOf }: {
    parts: P;
    read: (
      position: { [K in keyof P]: string } | undefined,
      rowsMax: number,
    ) => Promise<readonly T[]>;
    positionOf: (row: T) => { [K in keyof P]: string };
  },
): Promise<Page<T>> {
  const rows = await read(readCursor(cursor, parts), limit + 1);
  return cutPage(rows, limit, (row) => writeCursor(positionOf(row) as readonly string[]));
}
