// The history of one metric in the range of the page.
import { useRange } from "../lib/use_range.js";
import { useMemo } from "../lib/view.js";
import { useApi } from "../parts/use_api.js";

/** The history of a metric in the range of the page, about `most` points; null until it is there. */
export function useSeries(metric, { scope = "", most = 60, every = 60_000, range: given } = {}) {
  const own = useRange();
  const range = given ?? own;
  // A range that ends now advances by whole steps, so the URL of the request stays the same for a while.
  const step = Math.max(30, Math.ceil(range.seconds / most / 30) * 30);
  const whole = step * 1000;
  const to = range.fixed ? range.to : Math.ceil(range.to / whole) * whole;
  const from = range.fixed ? range.from : Math.floor(range.from / whole) * whole;
  const query = new URLSearchParams({
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    step: String(step),
  });
  if (scope) query.set("scope", scope);
  const answer = useApi(metric ? `/api/metrics/${metric}?${query}` : null, {
    every: range.fixed ? 0 : every,
    subject: range.fixed ? null : `${metric}@${scope} ${range.name}`,
  });
  const points = useMemo(
    () =>
      (answer.data?.points ?? []).map((point) => ({
        at: Date.parse(point.ts),
        value: point.value,
        min: point.min,
        max: point.max,
      })),
    [answer.data],
  );
  return {
    ...answer,
    points,
    from,
    to,
    step: answer.data?.step_seconds || step,
    unit: answer.data?.unit ?? "count",
    complete: answer.data?.complete !== false,
    detail: answer.data?.detail,
  };
}
