import type { ArmRole } from "../case.ts";
import type { Random } from "./random.ts";

/** What runs in one slot of a block: an arm, or "null", the second run of an arm that is compared with itself. */
export type Slot = ArmRole | "null";

/** One block: each slot once, in this order; `nullOf` is the arm whose second run makes the A/A null. */
export interface Block {
  order: readonly Slot[];
  nullOf: ArmRole;
}

/** A cycle has four blocks: an order and its mirror, with the null on each arm. */
export const blocksPerCycle = 4;

/**
 * Plans `count` blocks (rounded up to complete cycles). Each order is drawn from `random` and followed by its mirror, so
 * baseline and candidate run as ABBA or BAAB: a steady drift cancels, and no arm always has the same place. The null runs on
 * each arm equally often, so that both arms do the same amount of work.
 */
export function planBlocks(random: Random, count: number): Block[] {
  const blocks: Block[] = [];
  while (blocks.length < count) {
    for (const nullOf of ["baseline", "candidate"] as const) {
      const order = shuffled(random);
      blocks.push({ order, nullOf }, { order: order.toReversed(), nullOf });
    }
  }
  return blocks;
}

function shuffled(random: Random): Slot[] {
  const slots: Slot[] = ["baseline", "candidate", "null"];
  for (let last = slots.length - 1; last > 0; last--) {
    const pick = random.int(last + 1);
    [slots[last], slots[pick]] = [slots[pick]!, slots[last]!];
  }
  return slots;
}
