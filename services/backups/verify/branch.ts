import { describeDatabaseError } from "../../../db/errors.ts";
import type { BackupRecord } from "../record.ts";
import { parseLsn } from "../wal/segments.ts";

/** Timelines of a server. */
export interface Timelines {
  present: () => Promise<number>;
  /** The lines "timeline, position of its end, reason" of those before a timeline. */
  history: (timeline: number) => Promise<string>;
}

/** Returns where a timeline ended, according to the history of a later one; undefined when that does not descend from it. */
function endOf(timeline: number, history: string): bigint | undefined {
  for (const line of history.split("\n")) {
    const [id, position] = line.trim().split(/\s+/);
    if (position !== undefined && Number(id) === timeline) return parseLsn(position);
  }
  return undefined;
}

/**
 * Returns why the server's rows say nothing of a backup: it continued from an earlier position, as after a restore to a point
 * in time, and gave the transaction ids of the backup to others. Undefined when the server descends from the backup.
 */
export async function whyAbandoned(
  { timeline, end_lsn }: Pick<BackupRecord, "timeline" | "end_lsn">,
  { present, history }: Timelines,
): Promise<string | undefined> {
  if (timeline === null || end_lsn === null) return undefined;
  try {
    const now = await present();
    if (now === timeline) return undefined;
    const end = now < timeline ? undefined : endOf(timeline, await history(now));
    if (end !== undefined && parseLsn(end_lsn) <= end) return undefined;
    return `the backup is of an abandoned timeline (${timeline}); the server is on timeline ${now}, which ` +
      (end === undefined
        ? "does not come from it"
        : "left it before the backup's end, as a restore to a point in time does");
  } catch (error) {
    return `whether the server descends from the backup's timeline ${timeline} could not be read: ${
      describeDatabaseError(error)
    }`;
  }
}
