import type { IngestCounters } from "../ingest/ingest.ts";
import type { FeedsReport } from "../ingest/feeds.ts";
import type { MetricValue } from "./alert.ts";

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

/** What the backups know, in seconds; null is unknown, Infinity means there is none at all. */
export interface BackupAges {
  /** Since the last complete backup. */
  backup: number | null;
  /** Since a backup was last restored and checked. */
  proof: number | null;
}

/** A century stands for "never": rules judge finite numbers. */
const never = 100 * 365 * 86_400;

/** Backups as values for the rules backup_old and restore_unproven. */
export function backupSource(ages: () => BackupAges): ReadingSource {
  const known = (value: number | null) => value === null ? null : Math.min(value, never);
  return {
    values() {
      const { backup, proof } = ages();
      return [
        { metric: "backup_age_seconds", scope: "", value: known(backup) },
        { metric: "restore_proof_age_seconds", scope: "", value: known(proof) },
      ];
    },
  };
}
