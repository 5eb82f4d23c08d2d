/** An interim analysis: a case is judged after this many blocks, with this share of the permitted error. */
export interface InterimAnalysis {
  blocks: number;
  /** The interval of this analysis misses the true value with at most this probability. */
  alpha: number;
}

/** Error of all analyses together. */
export const totalAlpha = 0.05;
/** Between Pocock's (1) and O'Brien and Fleming's (about 3): early analyses spend little, the last one keeps most. */
const power = 1.5;

/**
 * Spends 5 % of error over analyses after `blocks` blocks each (ascending). Analysis k may spend the growth of
 * 0.05 · (share of blocks)^1.5 since analysis k − 1 (Lan and DeMets, Biometrika 70, 1983; Kim and DeMets, Biometrika 74,
 * 1987). By the union bound all intervals together contain the true value 95 times in 100, however early a run stops:
 * to stop at the first verdict does not make a false one more likely. Throws `RangeError` for other `blocks`.
 */
export function planAnalyses(blocks: readonly number[]): InterimAnalysis[] {
  const last = blocks.at(-1) ?? 0;
  if (last < 4 || blocks.some((count, at) => count <= (blocks[at - 1] ?? 0))) {
    throw new RangeError(`Analyses must ascend to at least four blocks: ${blocks}`);
  }
  let spent = 0;
  return blocks.map((count) => {
    const due = totalAlpha * (count / last) ** power;
    const alpha = due - spent;
    spent = due;
    return { blocks: count, alpha };
  });
}
