/** The rate at which ticks are stored, between two readings of the counter of accepted ticks. */
export class IngestRate {
  #last: { at: number; accepted: number } | undefined;
  #perSecond: number | null = null;

  /** Takes in the counter at `at`, in milliseconds. */
  note(at: number, accepted: number): void {
    const last = this.#last;
    if (last && at > last.at) {
      this.#perSecond = (accepted - last.accepted) / (at - last.at) * 1000;
    }
    this.#last = { at, accepted };
  }

  /** Ticks per second; null before two readings. */
  get perSecond(): number | null {
    return this.#perSecond;
  }
}
