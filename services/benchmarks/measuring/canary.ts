import { median } from "../statistics.ts";

/** A canary this many times slower than usual says that the machine, not the arm, was slow. */
const disturbedTimes = 2;
/** Before this many looks nobody knows what is usual. */
const leastKnown = 5;

/** Judges by a canary before and after each block whether others disturbed it; without a canary nothing is. */
export function createWatch(canary: (() => Promise<number>) | undefined) {
  const known: number[] = [];
  let before: number | undefined;

  async function look(): Promise<number> {
    const ms = await canary!();
    known.push(ms);
    return ms;
  }

  return {
    async around<T>(block: () => Promise<T>): Promise<{ result: T; disturbed: boolean }> {
      if (!canary) return { result: await block(), disturbed: false };
      before ??= await look();
      const first = before;
      const result = await block();
      const after = before = await look();
      if (known.length < leastKnown) return { result, disturbed: false };
      // Either end alone may be one hiccup; both together, or one that is far off, are a disturbance.
      return { result, disturbed: (first + after) / 2 > disturbedTimes * median(known) };
    },
  };
}
