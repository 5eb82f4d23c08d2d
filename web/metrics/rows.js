// Metrics of the server as rows: the value, its status under its rule, a link to its history.
import { useAtMost } from "../health/limit.js";
import { html } from "../lib/view.js";
import { Icon } from "../parts/icon.js";
import { useApi } from "../parts/use_api.js";
import { levelWords, show, toneFor } from "./units.js";

/** All metrics now and the rules on them: `{ answer, all(name), one(name), rule(name) }`. */
export function useMetrics(every = 30_000) {
  const answer = useApi("/api/metrics", { every, deadline: 15_000 });
  const rules = useApi("/api/alerts/rules", { every: 300_000 }).data?.rules ?? [];
  const metrics = answer.data?.metrics ?? [];
  return {
    answer,
    all: (name) => metrics.filter((one) => one.name === name),
    one: (name) => metrics.find((one) => one.name === name && one.scope === ""),
    rule: (name) =>
      rules.find((rule) => rule.metric === name && rule.enabled) ??
        rules.find((rule) => rule.metric === name),
  };
}

/**
 * `rows`: `[metric, label, missing]`. `missing` says in words that what the metric is about does not exist: then no
 * value is good.
 */
export function MetricRows({ metrics, rows }) {
  const atMost = useAtMost();
  return html`<ul class="metric-rows">${
    rows.map(([name, label, missing]) => {
      const metric = metrics.one(name);
      const rule = metrics.rule(name);
      const value = metric?.status === "unknown" ? null : metric?.value ?? null;
      const judged = atMost(toneFor(rule, value));
      const tone = missing && judged === "good" ? "unknown" : judged;
      return html`
        <li
          key=${name}><${Icon} word=${tone} /><a href=${`/history?metric=${name}`}>${label}</a><b>${show(
            metric?.unit ?? rule?.unit,
            value,
          )}</b><span class="faint">${missing ? `${missing}; ` : ""}${levelWords(rule)}</span></li>
      `;
    })
  }</ul>`;
}
