import { createRandom, type Random } from "../measuring/random.ts";

/** A position in a series where the level changed. */
export interface ChangePoint {
  /** Index of the first value of the new level. */
  at: number;
  before: number;
  after: number;
  /** Share of shuffled series that have as clear a split. */
  p: number;
}

export interface ChangeOptions {
  seed?: number;
  /** Splits with a larger `p` are not changes. */
  alpha?: number;
  /** Least number of values on each side. */
  least?: number;
  permutations?: number;
}

/**
 * Finds where the level of a series changed, by binary segmentation: the split with the largest standardised
 * difference of means (CUSUM) counts when at most `alpha` of shuffled series have one as large; then each part is
 * searched. Shuffling assumes no distribution. The newest `least` − 1 values cannot be judged yet.
 */
export function findChanges(
  values: readonly number[],
  { seed = 1, alpha = 0.01, least = 4, permutations = 999 }: ChangeOptions = {},
): ChangePoint[] {
  const random = createRandom(seed);
  const found: { at: number; p: number }[] = [];
  const search = (from: number, to: number): void => {
    const part = values.slice(from, to);
    const best = bestSplit(part, least);
    if (!best || best.score === 0) return;
    let asClear = 1;
    const shuffled = [...part];
    for (let round = 0; round < permutations; round++) {
      shuffle(shuffled, random);
      if (bestSplit(shuffled, least)!.score >= best.score) asClear++;
    }
    const p = asClear / (permutations + 1);
    if (p > alpha) return;
    found.push({ at: from + best.at, p });
    search(from, from + best.at);
    search(from + best.at, to);
  };
  search(0, values.length);
  found.sort((a, b) => a.at - b.at);
  const edges = [0, ...found.map(({ at }) => at), values.length];
  return found.map(({ at, p }, index) => ({
    at,
    p,
    before: mean(values.slice(edges[index], at)),
    after: mean(values.slice(at, edges[index + 2])),
  }));
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns the split with the largest difference of means, weighted by the number of values on each side. */
function bestSplit(
  values: readonly number[],
  least: number,
): { at: number; score: number } | undefined {
  const size = values.length;
  if (size < 2 * least) return undefined;
  const total = values.reduce((sum, value) => sum + value, 0);
  let best: { at: number; score: number } | undefined;
  let left = 0;
  for (let at = 1; at <= size - least; at++) {
    left += values[at - 1]!;
    if (at < least) continue;
    const difference = left / at - (total - left) / (size - at);
    const score = Math.abs(difference) * Math.sqrt(at * (size - at) / size);
    if (!best || score > best.score) best = { at, score };
  }
  return best;
}

function shuffle(values: number[], random: Random): void {
  for (let last = values.length - 1; last > 0; last--) {
    const pick = random.int(last + 1);
    [values[last], values[pick]] = [values[pick]!, values[last]!];
  }
}
