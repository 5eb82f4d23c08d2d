// One figure against its level: the value, its tone by the rule, the line of the chosen range.
import { useAtMost } from "../health/limit.js";
import { html } from "../lib/view.js";
import { useSeries } from "../metrics/series.js";
import { levelWords, show, toneFor } from "../metrics/units.js";
import { Icon } from "../parts/icon.js";
import { Spark } from "./spark.js";

export function Figure({ figure, rule, metrics, pool }) {
  const value = figure.read(metrics, pool) ?? null;
  const atMost = useAtMost(({ databaseAt }) => databaseAt);
  const tone = atMost(toneFor(rule, value));
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
      <p class="figure-sub">${figure.rule && !rule ? "level not known yet" : levelWords(rule)}</p>
    </a>
  `;
}
