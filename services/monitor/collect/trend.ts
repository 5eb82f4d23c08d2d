/** How fast a value has moved over the last while. */
export interface Trend {
  /** Notes a value; `at` in milliseconds. With another `epoch` than before, what was noted no longer counts. */
  add(at: number, value: number, epoch?: unknown): void;
  /** The mean change per second between the oldest and the newest value kept; undefined while they are too near. */
  perSecond(): number | undefined;
}

const pointsMax = 120;

/** Keeps points of the last `windowMs`, at most 120; `counter` begins anew when the value falls. */
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
      // The newest is always kept; between, one per slice of the window is enough.
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

/** Trends by name, at most `max`; those not noted for a window are forgotten. */
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
