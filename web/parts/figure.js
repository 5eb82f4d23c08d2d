// One figure against its level: the value, its tone by the rule, the line of the chosen range.
import { useRange } from "../lib/range.js";
import { useApi } from "../lib/use_api.js";
import { levelWords, show, toneFor } from "../lib/units.js";
import { atMost } from "../lib/verdict.js";
import { html, useMemo } from "../lib/view.js";
import { app } from "../state.js";
import { Icon } from "./ui.js";
import { Spark } from "./spark.js";

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

export function Figure({ figure, rule, metrics, pool }) {
  const value = figure.read(metrics, pool) ?? null;
  const tone = atMost(toneFor(rule, value), app.get());
  const series = useSeries(figure.metric);
  const level = rule && rule.enabled !== false ? rule.warning ?? rule.critical : null;
  const sub = figure.sub(metrics, pool).filter(Boolean).join(" · ");
  return html`
    <a class="figure" data-tone=${tone} href=${`/history?metric=${figure.metric}`}>
      <h3>${figure.label}</h3>
      <p class="figure-value">${["warn", "bad", "unknown"].includes(tone) &&
        html`<${Icon} word=${tone} size=${18} />`}${show(figure.unit, value)}</p>
      <${Spark} points=${series.points.map(({ at, value: one }) => [at, one])} from=${series
        .from} to=${series.to} level=${level} />
      <p class="figure-sub">${sub}</p>
      <p class="figure-sub">${rule ? levelWords(rule) : "no level"}</p>
    </a>
  `;
}
