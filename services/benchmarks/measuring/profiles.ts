import type { ProfileName } from "../case.ts";

/** How long a case is measured: blocks are the samples, so their number is fixed and their length adapts. */
export interface Measuring {
  blocks: number;
  /** Aimed at for one slot; work that takes longer runs once. */
  slotMs: number;
  /** Least time each arm runs before anything counts. */
  warmUpMs: number;
}

export const profiles: Readonly<Record<ProfileName, Measuring>> = {
  quick: { blocks: 12, slotMs: 100, warmUpMs: 200 },
  full: { blocks: 24, slotMs: 250, warmUpMs: 500 },
};
