/** One value to store; `at` in milliseconds since 1970. */
export interface Sample {
  at: number;
  name: string;
  scope: string;
  value: number;
}

/** Samples that wait to be written, at most `max`: beyond it the oldest are dropped. */
export class SampleQueue {
  readonly #max: number;
  #waiting: readonly Sample[] = [];
  #writing: readonly Sample[] = [];
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The number of samples that are not written yet. */
  get size(): number {
    return this.#waiting.length + this.#writing.length;
  }

  /** The number of samples dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The earliest sample that waits, in milliseconds since 1970; Infinity when none does. */
  get oldestAt(): number {
    return this.#waiting.reduce((oldest, { at }) => Math.min(oldest, at), Infinity);
  }

  /** Adds samples; returns those it drops. */
  add(samples: readonly Sample[]): readonly Sample[] {
    const all = [...this.#waiting, ...samples];
    const over = Math.max(0, all.length - this.#max);
    this.#waiting = over > 0 ? all.slice(over) : all;
    this.#dropped += over;
    return all.slice(0, over);
  }

  /** Removes waiting samples measured before `from`. */
  removeBefore(from: number): void {
    this.#waiting = this.#waiting.filter(({ at }) => at >= from);
  }

  /** Removes waiting samples measured at `from` or later. */
  removeSince(from: number): void {
    this.#waiting = this.#waiting.filter(({ at }) => at < from);
  }

  /** Writes waiting samples in batches of at most `batchMax` until none waits; a batch whose write fails waits again. */
  async drain(
    batchMax: number,
    write: (batch: readonly Sample[]) => Promise<void>,
  ): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#writing = this.#waiting.slice(0, batchMax);
      this.#waiting = this.#waiting.slice(batchMax);
      try {
        await write(this.#writing);
      } catch (error) {
        this.#waiting = [...this.#writing, ...this.#waiting];
        throw error;
      } finally {
        this.#writing = [];
      }
    }
  }

  /** Returns the samples of one series that are not written yet, oldest first. */
  of(name: string, scope: string): Sample[] {
    return [...this.#writing, ...this.#waiting]
      .filter((one) => one.name === name && one.scope === scope);
  }
}
