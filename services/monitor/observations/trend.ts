/** The change of a value over a window of time. */
export interface Trend {
  /** Adds a value; `at` in milliseconds. Another `epoch` than before discards the earlier values. */
  add(at: number, value: number, epoch?: unknown): void;
  /** Returns the mean change per second between the oldest and the newest value; undefined while they are too close. */
  perSecond(): number | undefined;
}

const pointsMax = 120;

/** Makes a trend over the last `windowMs`, of at most 120 points. A `counter` that falls discards the earlier values. */
export function createTrend(
  { windowMs, minSpanMs, counter = false }: {
    windowMs: number;
    minSpanMs: number;
    counter?: boolean;
  },
): Trend {
  let points: { at: number; value: number }[] = [];
  let era: unknown;
  return {
    add(at, value, epoch) {
      const last = points.at(-1);
      if (epoch !== era || last && (at < last.at || counter && value < last.value)) points = [];
      era = epoch;
      // The newest point is always kept; of the older ones, one per slice of the window.
      const before = points.at(-2);
      if (points.length > 1 && before && at - before.at < windowMs / pointsMax) points.pop();
      points.push({ at, value });
      while (points.length > 2 && at - (points[0]?.at ?? at) > windowMs) points.shift();
    },
    perSecond() {
      const [first, last] = [points[0], points.at(-1)];
      if (!first || !last || last.at - first.at < minSpanMs || last.at === first.at) {
        return undefined;
      }
      return (last.value - first.value) / (last.at - first.at) * 1000;
    },
  };
}

/** Makes a set of at most `max` trends by name. A trend without a value for its window is dropped when room is needed. */
export function createTrends(max: number) {
  const known = new Map<string, { trend: Trend; at: number; windowMs: number }>();
  return {
    note(
      name: string,
      at: number,
      value: number,
      shape: Parameters<typeof createTrend>[0],
      epoch?: unknown,
    ): void {
      let entry = known.get(name);
      if (!entry) {
        for (const [old, { at: seen, windowMs }] of known) {
          if (at - seen > windowMs) known.delete(old);
        }
        if (known.size >= max) return;
        entry = { trend: createTrend(shape), at, windowMs: shape.windowMs };
        known.set(name, entry);
      }
      entry.at = at;
      entry.trend.add(at, value, epoch);
    },
    perSecond: (name: string): number | undefined => known.get(name)?.trend.perSecond(),
  };
}

export type Trends = ReturnType<typeof createTrends>;
