import type { ProfileName } from "../../benchmarks/case.ts";
import type { Measuring } from "../../benchmarks/measuring/profiles.ts";

/** Extent of a rehearsal's measurements. */
export interface RehearsalProfile {
  /** Statements selected from pg_stat_statements. */
  statements: number;
  /** Sets of parameter values per statement. */
  variants: number;
  /** Timeout of one execution; milliseconds. */
  statementMs: number;
  /** Longest run through all variants; longer ones use fewer variants; milliseconds. */
  runMs: number;
  /** Measurement of the two copies before the change. */
  before: Measuring;
  /** Measurement after the change. */
  after: Measuring;
  /** Approximate size of a sampled copy; bytes. */
  sampleBytes: number;
  /** Timeout of the change; milliseconds. */
  changeMs: number;
}

export const rehearsalProfiles: Readonly<Record<ProfileName, RehearsalProfile>> = {
  quick: {
    statements: 10,
    variants: 6,
    statementMs: 5_000,
    runMs: 1_000,
    before: { analyses: [8], slotMs: 25, warmUpMs: 50, limitMs: 6_000 },
    after: { analyses: [12, 24, 48], slotMs: 25, warmUpMs: 50, limitMs: 10_000 },
    sampleBytes: 256 * 1024 * 1024,
    changeMs: 600_000,
  },
  full: {
    statements: 20,
    variants: 16,
    statementMs: 60_000,
    runMs: 10_000,
    before: { analyses: [16], slotMs: 100, warmUpMs: 300, limitMs: 60_000 },
    after: { analyses: [16, 32, 64], slotMs: 100, warmUpMs: 300, limitMs: 180_000 },
    sampleBytes: 4 * 1024 * 1024 * 1024,
    changeMs: 4 * 3_600_000,
  },
};
