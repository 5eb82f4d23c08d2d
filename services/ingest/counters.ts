import type { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { createFullness } from "./admission/fullness.ts";
import type { IngestAnswer } from "./upload.ts";

/** Rows since the process started. */
export interface RowCounts {
  accepted: number;
  quarantined: number;
  byReason: Record<string, number>;
  /** Since when uploads fail for lack of disk space, in milliseconds since 1970. */
  diskFullSince: number | undefined;
}

/** Counts what became of uploads. */
export function createCounters({ clock }: { clock: Clock }) {
  const fullness = createFullness({ clock });
  const byReason: Record<string, number> = {};
  let accepted = 0;
  let quarantined = 0;
  return {
    /** Counts an upload that was committed. */
    committed(answer: IngestAnswer, reasons: Record<string, number>): void {
      fullness.stored();
      accepted += answer.accepted;
      quarantined += answer.quarantined;
      for (const [reason, rows] of Object.entries(reasons)) {
        byReason[reason] = (byReason[reason] ?? 0) + rows;
      }
    },
    /** Counts rows that left the quarantine as ticks. */
    rewritten(rows: number): void {
      accepted += rows;
    },
    failed({ code }: HoldfastError): void {
      if (code === "storage_full") fullness.refused();
    },
    read: (): RowCounts => ({
      accepted,
      quarantined,
      byReason: { ...byReason },
      diskFullSince: fullness.since(),
    }),
  };
}
