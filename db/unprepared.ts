import type { PendingQuery, Row } from "postgres";

/**
 * Sends a statement without preparing it. A statement whose text names a table, or is put together from a list, has another
 * text for each: prepared, each would stay in the session and in the driver for as long as the connection lives.
 */
export function unprepared<T extends readonly (Row | undefined)[]>(
  query: PendingQuery<T>,
): PendingQuery<T> {
  // The driver reads it when it sends the query; its types name the option for `unsafe` alone.
  (query as unknown as { options: { prepare?: boolean } }).options.prepare = false;
  return query;
}
