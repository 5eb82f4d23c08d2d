/** A bounded queue between a producer and a consumer. */
export class BoundedQueue<T> {
  readonly #items: T[] = [];
  readonly #max: number;
  readonly #drop: (items: T[], incoming: T) => void;
  #waiting: {
    resolve: (item: T | undefined) => void;
    reject: (error: unknown) => void;
  } | undefined;
  #end: { error: unknown } | undefined;

  /** `drop` removes at least one item when the queue is full. */
  constructor(max: number, drop: (items: T[], incoming: T) => void) {
    this.#max = Math.max(1, max);
    this.#drop = drop;
  }

  push(item: T): void {
    if (this.#end) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) return waiting.resolve(item);
    if (this.#items.length >= this.#max) this.#drop(this.#items, item);
    this.#items.push(item);
  }

  /** Ends the queue: remaining items can be pulled, then comes `undefined` or the error. */
  end(error?: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) return;
    if (error === undefined) waiting.resolve(undefined);
    else waiting.reject(error);
  }

  async pull(): Promise<T | undefined> {
    if (this.#waiting) {
      throw new TypeError("Another call is waiting for the next item");
    }
    const item = this.#items.shift();
    if (item !== undefined) return item;
    if (this.#end) {
      if (this.#end.error === undefined) return undefined;
      throw this.#end.error;
    }
    return await new Promise<T | undefined>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
}
