// The time around an alert. Pure.

const AROUND_MS = 3_600_000;

/**
 * Returns the range from an hour before an alert began to a quarter of an hour after it ended: `{ from, to, seconds, fixed }`,
 * in ms. Before that moment the range ends at `now` and moves with it.
 */
export function around(alert, now) {
  const from = Date.parse(alert.started_at) - AROUND_MS;
  const end = Date.parse(alert.resolved_at ?? "") + AROUND_MS / 4;
  const fixed = end <= now;
  const to = fixed ? end : now;
  return { name: null, from, to, seconds: (to - from) / 1000, fixed };
}
