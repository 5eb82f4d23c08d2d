import type { ProfileName } from "../case.ts";

/** How long a case is measured: blocks are the samples; their length adapts, and so does their number, in steps. */
export interface Measuring {
  /** Blocks after which a case is judged; one that has a verdict, or does not count, stops there. */
  looks: readonly number[];
  /** Aimed at for one slot; work that takes longer runs once. */
  slotMs: number;
  /** Least time each arm runs before anything counts. */
  warmUpMs: number;
  /** A case that has taken this long is not given another look; milliseconds. */
  limitMs?: number;
  /** Part of the profile's data that cases make, from 0 to 1; all of it when left out. Tests take less. */
  dataShare?: number;
}

export const profiles: Readonly<Record<ProfileName, Measuring>> = {
  quick: { looks: [8, 16], slotMs: 80, warmUpMs: 120, limitMs: 6_000 },
  full: { looks: [16, 32, 64, 96], slotMs: 200, warmUpMs: 500, limitMs: 70_000 },
};
