import type { IngestCounters } from "../../ingest/service.ts";
import type { FeedsReport } from "../../ingest/judge/feeds.ts";
import type { MetricValue } from "../alert.ts";

/**
 * Somebody besides the monitor who has values for rules to judge: asked at every look, answers from memory at once.
 * A value that is not known is null, and one that is not listed is not judged.
 */
export interface ReadingSource {
  values(): MetricValue[];
  /** Waits for what it has under way. */
  stop?(): Promise<void>;
}

/** Feeds judged one by one; those that were heard last. */
const feedsMax = 200;

/** What the ingest of this process knows: whether the disk is full, and how old each feed's newest tick is. */
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
