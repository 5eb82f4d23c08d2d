import type { Sql } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Feeds } from "../judge/feeds.ts";
import type { ParsedTick, Refusal } from "../tick.ts";
import type { WriteSessions } from "./session.ts";

export interface RewriteOptions {
  create: boolean;
  backfill: boolean;
}

/** The work of a rewrite: `write` stores ticks in the transaction of `sql` and returns those it refused. */
export type RewriteWork<T> = (
  sql: Sql,
  write: (ticks: ParsedTick[]) => Promise<Refusal[]>,
) => Promise<T>;

/** Runs `work` in one transaction. Calls `accepted` with the number of ticks stored once it is committed. */
export async function rewrite<T>(
  { create, backfill }: RewriteOptions,
  work: RewriteWork<T>,
  { lanes, sessions, feeds, accepted }: {
    lanes: Pool;
    sessions: WriteSessions;
    feeds: Feeds;
    accepted: (rows: number) => void;
  },
): Promise<T> {
  let rows = 0;
  const counter = feeds.begin();
  try {
    const result = await lanes.transaction((sql) =>
      sessions.withWriter(sql, async (writer) => {
        const done = await work(sql, async (ticks) => {
          const [written] = await writer.write([
            { batch: { ticks, refusals: [] }, create, limits: sessions.limits(backfill) },
          ]);
          await writer.pause(); // the caller runs statements of its own next
          const { stored, refusals } = written ?? { stored: 0, refusals: [] };
          const refused = new Set(refusals.map(({ line }) => line));
          rows += stored;
          counter.add(ticks.filter(({ line }) => !refused.has(line)), []);
          return refusals;
        });
        await writer.finish();
        return done;
      }, { keepRefused: true })
    );
    accepted(rows);
    counter.commit();
    return result;
  } catch (error) {
    throw sessions.explain(error);
  }
}
