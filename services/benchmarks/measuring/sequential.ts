/** One moment at which a case is judged: after this many blocks, with this share of the permitted error. */
export interface Look {
  blocks: number;
  /** The interval of this look misses the truth with at most this probability. */
  alpha: number;
}

/** In all, over all looks. */
export const totalAlpha = 0.05;
/** Between Pocock's (1) and O'Brien and Fleming's (about 3): early looks spend little, the last one keeps most. */
const power = 1.5;

/**
 * Spends 5 % of error over looks after `blocks` blocks each (rising): look k may spend what the function
 * 0.05 · (share of blocks)^1.5 has grown by since look k − 1 (Lan and DeMets, Biometrika 70, 1983; Kim and DeMets,
 * Biometrika 74, 1987). By the union bound all intervals together then hold the truth 95 times in 100, however early
 * one stops: stopping at the first verdict does not make false ones likelier.
 */
export function planLooks(blocks: readonly number[]): Look[] {
  const last = blocks.at(-1) ?? 0;
  if (last < 4 || blocks.some((count, at) => count <= (blocks[at - 1] ?? 0))) {
    throw new RangeError(`Looks must rise to at least four blocks: ${blocks}`);
  }
  let spent = 0;
  return blocks.map((count) => {
    const due = totalAlpha * (count / last) ** power;
    const alpha = due - spent;
    spent = due;
    return { blocks: count, alpha };
  });
}
