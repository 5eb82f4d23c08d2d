/** One value of a metric; `ts` in milliseconds since 1970. */
export interface Point {
  ts: number;
  value: number;
}

type Values = Float32Array | Float64Array;

const firstCapacity = 16;
/** A later point has a new start to count from: Uint32 holds 49 days of milliseconds. */
const offsetMax = 2 ** 32 - 1;

/**
 * The last points of one metric. An hour of all metrics as objects takes 5 MB of each database; in typed arrays, which grow
 * by doubling, a point takes 8 bytes, or 12 once a value needs all digits of a double.
 */
class Ring {
  readonly #max: number;
  #start: number;
  #offsets: Uint32Array;
  #values: Values;
  /** Where the oldest point is, and how many there are. */
  #first = 0;
  #length = 0;

  constructor(max: number, start: number) {
    this.#max = max;
    this.#start = start;
    this.#offsets = new Uint32Array(Math.min(max, firstCapacity));
    this.#values = new Float32Array(Math.min(max, firstCapacity));
  }

  add(ts: number, value: number): void {
    const at = Math.round(ts);
    if (at < this.#start || at - this.#start > offsetMax) this.#restart(at);
    if (this.#values instanceof Float32Array && Math.fround(value) !== value) {
      this.#values = Float64Array.from(this.#values);
    }
    if (this.#length === this.#offsets.length && this.#length < this.#max) this.#grow();
    const place = (this.#first + this.#length) % this.#offsets.length;
    this.#offsets[place] = at - this.#start;
    this.#values[place] = value;
    if (this.#length < this.#offsets.length) this.#length++;
    else this.#first = (this.#first + 1) % this.#offsets.length;
  }

  between(from: number, to: number): Point[] {
    const points: Point[] = [];
    for (let n = 0; n < this.#length; n++) {
      const place = (this.#first + n) % this.#offsets.length;
      const ts = this.#start + (this.#offsets[place] ?? 0);
      if (ts >= from && ts <= to) points.push({ ts, value: this.#values[place] ?? 0 });
    }
    return points;
  }

  #grow(): void {
    const capacity = Math.min(this.#max, this.#length * 2);
    const offsets = new Uint32Array(capacity);
    const values = this.#values instanceof Float32Array
      ? new Float32Array(capacity)
      : new Float64Array(capacity);
    // Until it has its final size it has not wrapped.
    offsets.set(this.#offsets);
    values.set(this.#values);
    this.#offsets = offsets;
    this.#values = values;
  }

  /** Counts from another time: the clock was set back, or the first point is weeks old. Keeps what can be counted from there. */
  #restart(at: number): void {
    const kept = this.between(-Infinity, Infinity).filter(({ ts }) =>
      Math.abs(at - ts) < offsetMax
    );
    this.#start = Math.min(at, ...kept.map(({ ts }) => ts));
    this.#offsets = new Uint32Array(this.#offsets.length);
    this.#first = 0;
    this.#length = 0;
    for (const { ts, value } of kept) this.add(ts, value);
  }
}

/** Keeps the last points of each metric of the whole server in memory, for pages and incidents during an outage. */
export function createRecent({ maxPoints = 720 }: { maxPoints?: number } = {}) {
  const series = new Map<string, Ring>();
  return {
    /** Adds a point; the oldest one is dropped beyond `maxPoints`. */
    add(name: string, ts: number, value: number): void {
      let ring = series.get(name);
      if (!ring) series.set(name, ring = new Ring(maxPoints, Math.round(ts)));
      ring.add(ts, value);
    },
    /** Returns the points of a metric in [from, to], oldest first; undefined for a metric without points. */
    read(name: string, from: number, to: number): Point[] | undefined {
      return series.get(name)?.between(from, to);
    },
    names: () => [...series.keys()].sort(),
  };
}

export type Recent = ReturnType<typeof createRecent>;
