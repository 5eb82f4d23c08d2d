// The time range of the page: a length that ends now, or two moments. Pure.

export const RANGES = {
  "15m": ["15 min", 900],
  "1h": ["1 h", 3_600],
  "6h": ["6 h", 21_600],
  "24h": ["24 h", 86_400],
  "7d": ["7 d", 604_800],
  "30d": ["30 d", 2_592_000],
};

/** Reads the range of a query: `{ name, from, to, seconds, fixed }`, times in ms. */
export function readRange(query, now) {
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  if (Number.isFinite(from) && Number.isFinite(to) && from < to) {
    return { name: null, from, to, seconds: (to - from) / 1000, fixed: true };
  }
  const name = query.get("range") in RANGES ? query.get("range") : "1h";
  const seconds = RANGES[name][1];
  return { name, from: now - seconds * 1000, to: now, seconds, fixed: false };
}

/** The width of points that keeps a chart near `most` of them, of the steps that history knows. */
export function stepFor(seconds, most = 400) {
  const steps = [0, 60, 300, 900, 3_600, 21_600, 86_400];
  return steps.find((step) => step > 0 ? seconds / step <= most : seconds / 30 <= most) ?? 86_400;
}
