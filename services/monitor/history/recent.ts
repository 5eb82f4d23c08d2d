export interface Point {
  ts: number;
  value: number;
}

/** Keeps the last points of each metric of the whole server in memory: for pages and incidents while the database is away. */
export function createRecent({ maxPoints = 720 }: { maxPoints?: number } = {}) {
  const series = new Map<string, Point[]>();
  return {
    add(name: string, ts: number, value: number): void {
      let points = series.get(name);
      if (!points) series.set(name, points = []);
      points.push({ ts, value });
      if (points.length > maxPoints) points.shift();
    },
    /** Points of one metric in [from, to], oldest first; undefined for a metric never seen. */
    read(name: string, from: number, to: number): Point[] | undefined {
      return series.get(name)?.filter(({ ts }) => ts >= from && ts <= to);
    },
    names: () => [...series.keys()].sort(),
  };
}

export type Recent = ReturnType<typeof createRecent>;
