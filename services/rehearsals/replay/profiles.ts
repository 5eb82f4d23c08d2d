import type { ProfileName } from "../../benchmarks/case.ts";
import type { Measuring } from "../../benchmarks/measuring/profiles.ts";

/** How thoroughly a rehearsal measures. */
export interface RehearsalProfile {
  /** Statements that are taken from pg_stat_statements. */
  statements: number;
  /** Sets of values for each. */
  variants: number;
  /** One execution may take this long; milliseconds. */
  statementMs: number;
  /** One run through all variants should take no longer: fewer are taken then; milliseconds. */
  runMs: number;
  /** The two copies against each other before the change. */
  before: Measuring;
  /** After it. */
  after: Measuring;
  /** A sampled copy takes about as much of the tables; bytes. */
  sampleBytes: number;
  /** The change may take this long; milliseconds. */
  changeMs: number;
}

export const rehearsalProfiles: Readonly<Record<ProfileName, RehearsalProfile>> = {
  quick: {
    statements: 10,
    variants: 6,
    statementMs: 5_000,
    runMs: 1_000,
    before: { analyses: [8], slotMs: 25, warmUpMs: 50, limitMs: 6_000 },
    after: { analyses: [8, 16], slotMs: 25, warmUpMs: 50, limitMs: 10_000 },
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
