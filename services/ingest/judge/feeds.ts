import type { Clock } from "../../../lib/clock.ts";
import type { ParsedTick, Refusal } from "../tick.ts";
import { formatTimestamp } from "../timestamp.ts";

/** Rows of a feed since the process started; a feed is a symbol. */
export interface FeedCounts {
  accepted: number;
  quarantined: number;
  by_reason: Record<string, number>;
}

export interface FeedReport extends FeedCounts {
  symbol: string;
  /** Time of its newest tick. */
  last_tick_at: string | null;
  /** When its last rows arrived. */
  last_received_at: string;
  /** Age of its newest tick. */
  age_seconds: number | null;
}

export interface FeedsReport {
  since: string;
  feeds: FeedReport[];
  /** Feeds beyond the number that is counted separately. */
  other: FeedCounts;
  /** Rows whose symbol could not be read. */
  unreadable: FeedCounts;
}

/** Counts the rows of one upload; `commit` adds them to the feeds. */
export interface FeedCounter {
  /** Counts a batch; `ticks` includes those that the firewall refused. */
  add(ticks: readonly ParsedTick[], refusals: readonly Refusal[]): void;
  commit(): void;
}

export interface Feeds {
  begin(): FeedCounter;
  /** Returns at most `limit` feeds, last active first. */
  report(limit?: number): FeedsReport;
}

interface Feed extends FeedCounts {
  lastTickUs: number;
}

const emptyFeed = (): Feed => ({
  accepted: 0,
  quarantined: 0,
  by_reason: {},
  lastTickUs: -Infinity,
});

function mergeInto(sum: Feed, part: Feed): void {
  sum.accepted += part.accepted;
  sum.quarantined += part.quarantined;
  for (const [reason, rows] of Object.entries(part.by_reason)) {
    sum.by_reason[reason] = (sum.by_reason[reason] ?? 0) + rows;
  }
  sum.lastTickUs = Math.max(sum.lastTickUs, part.lastTickUs);
}

/**
 * Counts at most `max` feeds by symbol and the rest in one sum. Symbols without an accepted row are evicted first, so that
 * malformed input does not displace real feeds.
 */
function createTable(max: number) {
  const feeds = new Map<string, Feed>();
  const refusedOnly = new Set<string>();
  const other = emptyFeed();
  const unreadable = emptyFeed();
  return {
    feeds,
    other,
    unreadable,
    /** Returns the counts that a row of `symbol` belongs to. */
    of(symbol: string, accepted: boolean): Feed {
      const known = feeds.get(symbol);
      if (known) {
        if (accepted && known.accepted === 0) refusedOnly.delete(symbol);
        return known;
      }
      if (feeds.size >= max) {
        const [idle] = accepted ? refusedOnly : [];
        const given = idle === undefined ? undefined : feeds.get(idle);
        if (idle === undefined || !given) return other;
        mergeInto(other, given);
        feeds.delete(idle);
        refusedOnly.delete(idle);
      }
      const feed = emptyFeed();
      feeds.set(symbol, feed);
      if (!accepted) refusedOnly.add(symbol);
      return feed;
    },
  };
}

const countsOf = ({ accepted, quarantined, by_reason }: Feed): FeedCounts => ({
  accepted,
  quarantined,
  by_reason: { ...by_reason },
});

/** Counts in memory, since the process started, the accepted and refused rows of each feed. */
export function createFeeds({ clock, max = 1_000 }: { clock: Clock; max?: number }): Feeds {
  const since = clock.now().toISOString();
  const table = createTable(max);
  /** Times of the last rows, in order of activity: the feed active last is at the end. */
  const received = new Map<string, number>();

  return {
    begin() {
      const counted = createTable(max);
      return {
        add(ticks, refusals) {
          const refused = new Set<number>();
          for (const { line, reason, symbol, malformed } of refusals) {
            if (!malformed) refused.add(line);
            const feed = symbol === null ? counted.unreadable : counted.of(symbol, false);
            feed.quarantined++;
            feed.by_reason[reason] = (feed.by_reason[reason] ?? 0) + 1;
          }
          let feed = counted.unreadable;
          let last: string | undefined; // consecutive ticks often have the same symbol
          for (const { line, symbol, tsUs } of ticks) {
            if (refused.size > 0 && refused.has(line)) continue;
            if (last !== symbol) feed = counted.of(last = symbol, true);
            feed.accepted++;
            if (tsUs > feed.lastTickUs) feed.lastTickUs = tsUs;
          }
        },
        commit() {
          const now = clock.now().getTime();
          for (const [symbol, feed] of counted.feeds) {
            const sum = table.of(symbol, feed.accepted > 0);
            mergeInto(sum, feed);
            if (sum === table.other) continue;
            received.delete(symbol);
            received.set(symbol, now);
          }
          mergeInto(table.other, counted.other);
          mergeInto(table.unreadable, counted.unreadable);
          for (const symbol of received.keys()) {
            if (received.size <= table.feeds.size) break;
            if (!table.feeds.has(symbol)) received.delete(symbol);
          }
        },
      };
    },
    report(limit = max) {
      const now = clock.now().getTime();
      const feeds = [...received].reverse().slice(0, limit).map(([symbol, at]): FeedReport => {
        const feed = table.feeds.get(symbol) ?? emptyFeed();
        const known = feed.lastTickUs > -Infinity;
        return {
          symbol,
          ...countsOf(feed),
          last_tick_at: known ? formatTimestamp(feed.lastTickUs) : null,
          last_received_at: new Date(at).toISOString(),
          age_seconds: known ? Math.max(0, now - feed.lastTickUs / 1000) / 1000 : null,
        };
      });
      return {
        since,
        feeds,
        other: countsOf(table.other),
        unreadable: countsOf(table.unreadable),
      };
    },
  };
}
