import type { Sql } from "../connection.ts";
import type { Target } from "../address/target.ts";
import { openWalsender } from "./walsender.ts";
import { readRow } from "./wire.ts";

/** Reads the timeline that a server writes to or, in recovery, has last written a restartpoint of. */
export async function readTimeline(sql: Sql): Promise<number> {
  const [row] = await sql`
    select case when pg_is_in_recovery()
      then (select timeline_id from pg_control_checkpoint())
      else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
      end as timeline`;
  return row?.timeline;
}

/**
 * Reads the history of a timeline above 1: a line for each timeline before it, with the position where that ended. Throws
 * the server's error when the role may not replicate.
 */
export async function readTimelineHistory(
  target: Target,
  timeline: number,
  signal: AbortSignal,
): Promise<string> {
  const session = await openWalsender(target, signal);
  try {
    let history = "";
    for await (const { type, body } of session.run(`TIMELINE_HISTORY ${timeline}`)) {
      if (type === "D") history = readRow(body)[1] ?? "";
    }
    return history;
  } finally {
    session.close();
  }
}
