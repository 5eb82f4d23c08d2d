/** One value of a metric; `ts` in milliseconds since 1970. */
export interface Point {
  ts: number;
  value: number;
}

/** Keeps the last points of each metric of the whole server in memory, for pages and incidents during an outage. */
export function createRecent({ maxPoints = 720 }: { maxPoints?: number } = {}) {
  const series = new Map<string, Point[]>();
  return {
    /** Adds a point; the oldest one is dropped beyond `maxPoints`. */
    add(name: string, ts: number, value: number): void {
      let points = series.get(name);
      if (!points) series.set(name, points = []);
      points.push({ ts, value });
      if (points.length > maxPoints) points.shift();
    },
    /** Returns the points of a metric in [from, to], oldest first; undefined for a metric without points. */
    read(name: string, from: number, to: number): Point[] | undefined {
      return series.get(name)?.filter(({ ts }) => ts >= from && ts <= to);
    },
    names: () => [...series.keys()].sort(),
  };
}

export type Recent = ReturnType<typeof createRecent>;
