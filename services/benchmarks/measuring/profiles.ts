import type { ProfileName } from "../case.ts";

/** How long a case is measured. A block is one sample; the number and the length of blocks adapt to the case. */
export interface Measuring {
  /** Numbers of blocks after which a case is judged; it stops at the first one with a verdict. */
  analyses: readonly number[];
  /** Target length of one slot, milliseconds; work that takes longer runs once. */
  slotMs: number;
  /** Least time each arm runs before it is measured; milliseconds. */
  warmUpMs: number;
  /** After this time a case gets no further analysis; milliseconds. */
  limitMs?: number;
  /** Share of the profile's data that cases generate, from 0 to 1; 1 by default. */
  dataShare?: number;
}

export const profiles: Readonly<Record<ProfileName, Measuring>> = {
  quick: { analyses: [8, 16], slotMs: 80, warmUpMs: 120, limitMs: 6_000 },
  full: { analyses: [16, 32, 64, 96], slotMs: 200, warmUpMs: 500, limitMs: 70_000 },
};
