import { createHash } from "node:crypto";
import type { Publisher } from "../live/hub.ts";
import { publicReport, type TableReport } from "../partitions/report/report.ts";
import type { RewriteReport } from "../partitions/rewrite/report.ts";

/** Publishes `partition_status` on the live channel when partitions, holes, problems or rewrites have changed. */
export function createPartitionStatus(
  { hub, tables }: { hub: Publisher; tables: () => readonly TableReport[] },
) {
  let published = "";
  let rewrites: readonly RewriteReport[] = [];

  /** The subject is the same on every Holdfast that sees the same state, so that it is sent once. */
  function publish(): void {
    const digest = createHash("sha256").update(JSON.stringify([published, rewrites]));
    const subject = { topic: "partitions", digest: digest.digest("hex") };
    const reports = tables().map(publicReport)
      .map(({ children: _children, ...report }) => report);
    hub.publish("partition_status", { tables: reports, conversions: rewrites }, subject);
  }

  return {
    /** Publishes the tables if they differ from those published last. */
    publishIfChanged(): void {
      const state = JSON.stringify(
        tables().map(({ table, partitions, holes, problems }) => [
          table,
          partitions,
          holes,
          problems,
        ]),
      );
      if (state === published) return;
      published = state;
      publish();
    },
    /** Publishes the progress of conversions and drains. */
    publishRewrites(reports: readonly RewriteReport[]): void {
      rewrites = reports;
      publish();
    },
  };
}
