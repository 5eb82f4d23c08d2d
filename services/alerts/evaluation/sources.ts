import type { IngestCounters } from "../../ingest/service.ts";
import type { FeedsReport } from "../../ingest/judge/feeds.ts";
import type { MetricValue } from "../alert.ts";

/**
 * A source of values for rules, besides the monitor. It is asked at every fast tick, and answers from memory. An unknown
 * value is null; a value that is not listed is not judged.
 */
export interface ReadingSource {
  values(): MetricValue[];
  /** Waits for its work under way. */
  stop?(): Promise<void>;
}

/** Feeds that are judged at most: those with the latest ticks. */
const feedsMax = 200;

/** Creates the source of what ingest knows: whether the disk is full, and the age of each feed's newest tick. */
export function ingestSource(
  { ingest, feeds }: {
    ingest: { counters(): IngestCounters };
    feeds: { report(limit?: number): FeedsReport };
  },
): ReadingSource {
  return {
    values: () => [
      {
        metric: "ingest_disk_full",
        scope: "",
        value: Number(ingest.counters().diskFullSince !== undefined),
      },
      ...feeds.report(feedsMax).feeds.map(({ symbol, age_seconds }) => ({
        metric: "feed_age_seconds",
        scope: symbol,
        value: age_seconds,
      })),
    ],
  };
}
