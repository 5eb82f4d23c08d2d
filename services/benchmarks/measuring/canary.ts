import { median } from "../statistics.ts";

/** A canary this many times slower than usual shows that the machine was slow, not the arm. */
const disturbedTimes = 2;
/** Fewest canaries whose median counts as usual. */
const leastKnown = 5;

/** Runs a canary before and after each block to tell whether the block was disturbed; without a canary none is. */
export function createWatch(canary: (() => Promise<number>) | undefined) {
  const known: number[] = [];
  let before: number | undefined;

  async function run(): Promise<number> {
    const ms = await canary!();
    known.push(ms);
    return ms;
  }

  return {
    async around<T>(block: () => Promise<T>): Promise<{ result: T; disturbed: boolean }> {
      if (!canary) return { result: await block(), disturbed: false };
      before ??= await run();
      const first = before;
      const result = await block();
      const after = before = await run();
      if (known.length < leastKnown) return { result, disturbed: false };
      // One slow canary may be an outlier; two, or one that is far off, are a disturbance.
      return { result, disturbed: (first + after) / 2 > disturbedTimes * median(known) };
    },
  };
}
