import type { SeriesName } from "../../../db/history/samples.ts";
import type { Sample } from "./sample_queue.ts";

const day = 86_400_000;

const keyOf = ({ name, scope }: SeriesName) => `${name}\n${scope}`;

/** The series in use: at most `max`, and their ids in the database as far as they are known. */
export class SeriesRegistry {
  readonly #max: number;
  /** When each series last had a sample. */
  readonly #seenAt = new Map<string, number>();
  readonly #ids = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#seenAt.size;
  }

  /**
   * Returns whether a sample's series may be stored. Series of the whole server always may; others while there are fewer
   * than the maximum that had a sample within a day.
   */
  admit(sample: Sample): boolean {
    const key = keyOf(sample);
    if (sample.scope !== "" && !this.#seenAt.has(key) && this.size >= this.#max) {
      this.#removeUnused(sample.at);
      if (this.size >= this.#max) return false;
    }
    this.#seenAt.set(key, sample.at);
    return true;
  }

  /** Returns a function that finds the id of a series among the known ones and those of `fresh`. */
  finder(fresh: readonly SeriesName[], ids: readonly number[]): (series: SeriesName) => number {
    const freshIds = new Map(fresh.map((one, i) => [keyOf(one), ids[i]]));
    return (series) => {
      const key = keyOf(series);
      const id = this.#ids.get(key) ?? freshIds.get(key);
      if (id === undefined) throw new RangeError(`Cannot find the id of series ${series.name}`);
      return id;
    };
  }

  /** Returns the distinct series of `samples` whose ids are not known. */
  withoutId(samples: readonly Sample[]): SeriesName[] {
    const distinct = new Map(samples.map((one) => [keyOf(one), one]));
    return [...distinct].filter(([key]) => !this.#ids.has(key)).map(([, one]) => one);
  }

  /** Records ids that have been committed. */
  setIds(series: readonly SeriesName[], ids: readonly number[]): void {
    series.forEach((one, i) => {
      const id = ids[i];
      if (id !== undefined) this.#ids.set(keyOf(one), id);
    });
  }

  /** Forgets all ids: another session may have deleted a series. */
  clearIds(): void {
    this.#ids.clear();
  }

  #removeUnused(now: number): void {
    for (const [key, at] of this.#seenAt) {
      if (now - at <= day) continue;
      this.#seenAt.delete(key);
      this.#ids.delete(key);
    }
  }
}
