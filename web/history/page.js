// Charts over one another: one cursor, drag to zoom, levels and alerts drawn in, the metrics kept in the address.
import { serverNow } from "../lib/clock.js";
import { dateTime, moment } from "../lib/format.js";
import { setQuery, useAddress } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { useRange } from "../lib/use_range.js";
import { html, useState } from "../lib/view.js";
import { useSeries } from "../metrics/series.js";
import { axisSteps, show } from "../metrics/units.js";
import { Chart } from "../parts/chart.js";
import { PageHead } from "../parts/page_head.js";
import { emptyWords, Note, Panel, Trouble } from "../parts/panel.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { Movers } from "./movers.js";

const USUAL = [
  "connections_used",
  "transactions_per_second",
  "ticks_per_second",
  "cache_hit_ratio",
  "wal_bytes_per_second",
  "longest_transaction_seconds",
];
const MOST = 12;

/** "table_growth@market.ticks" names a metric and its scope. */
const parse = (one) => {
  const at = one.indexOf("@");
  return at < 0 ? { name: one, scope: "" } : { name: one.slice(0, at), scope: one.slice(at + 1) };
};

function One({ metric, rules, alerts, changes, remove }) {
  const { name, scope } = parse(metric);
  const series = useSeries(name, { scope, most: 300 });
  const [point, hover] = useState(null);
  const rule = rules.find((one) => one.metric === name && one.enabled);
  const format = (value) => show(series.unit, value);
  const levels = rule
    ? [[rule.warning, "warn"], [rule.critical, "bad"]].filter(([value]) =>
      typeof value === "number"
    ).map(([value, tone]) => ({ value, tone }))
    : [];
  const bands = rule
    ? alerts.filter((alert) =>
      alert.rule === rule.name && alert.scope === scope && alert.state !== "pending"
    )
      .map((alert) => ({
        from: Date.parse(alert.started_at),
        to: Date.parse(alert.resolved_at ?? "") || series.to,
        tone: alert.severity === "critical" ? "bad" : "warn",
      }))
    : [];
  const zoom = (from, to) =>
    setQuery({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), range: null }, {
      push: true,
    });
  const last = series.points.at(-1);
  const shown = point ?? last;
  const said = !shown
    ? emptyWords(series)
    : `${moment(shown.at, serverNow())} · ${format(shown.value)}${
      shown.min !== undefined && shown.min !== shown.max && shown.min !== null
        ? ` (${format(shown.min)} to ${format(shown.max)})`
        : ""
    }`;
  return html`<${Panel} title=${name.replaceAll("_", " ")} id=${`metric-${name}${
    scope && `-${scope}`
  }`} aside=${scope} tools=${html`<button type="button" class="small quiet" aria-label=${`Remove ${name}`} onClick=${remove}>×</button>`}>
    <${Trouble} of=${series} />
    ${
    series.points.length > 0
      ? html`
        <${Chart} points=${series.points} step=${series.step} from=${series.from} to=${series
          .to} format=${format}
          steps=${axisSteps(series.unit)}
          label=${`${name}: ${said}`} levels=${levels} bands=${bands} marks=${changes} sync="history"
          height=${150} onZoom=${zoom} onHover=${hover} />
      `
      : html`<div class="chart" style=${{ height: "150px" }} />`
  }
    <p class="readout">${said}</p>
  <//>`;
}

export function Page() {
  const { query } = useAddress();
  const range = useRange();
  const chosen = (query.get("metric") ?? USUAL.join(",")).split(",").filter(Boolean).slice(0, MOST);
  const set = (list) =>
    setQuery({ metric: list.join(",") === USUAL.join(",") ? null : list.join(",") || null });
  const list = useApi("/api/metrics", { deadline: 15_000 });
  const rules = useApi("/api/alerts/rules").data?.rules ?? [];
  const minute = (ms) => new Date(Math.floor(ms / 60_000) * 60_000).toISOString();
  const changed = useApi(
    `/api/changes?from=${minute(range.from)}${
      range.fixed ? `&to=${minute(range.to + 60_000)}` : ""
    }&limit=100`,
    { subject: range.fixed ? null : range.name },
  );
  const changes = changed.data?.changes ?? [];
  const alerts = useStore(app, (state) => state.alerts);
  const names = (list.data?.metrics ?? []).map((
    { name, scope },
  ) => (scope ? `${name}@${scope}` : name)).sort();
  const add = (event) => {
    const name = event.target.value;
    if (names.includes(name) && !chosen.includes(name)) {
      set([name, ...chosen].slice(0, MOST));
      event.target.value = "";
    }
  };
  const tools = html`
    <label
      class="inline"><span class="sr-only">Add a metric</span><input class="small" list="metric-names" placeholder="add a metric" onInput=${add} /></label>
        <datalist id="metric-names">${names.slice(0, 2_000).map((name) =>
          html`<option value=${name} />`
        )}</datalist>
        ${range.fixed &&
          html`<button type="button" class="small" onClick=${() =>
            setQuery({ from: null, to: null }, { push: true })}>Back to the present</button>`}
  `;
  return html`
    <${PageHead} title="History" aside=${`${dateTime(range.from).slice(0, -3)} to ${
      range.fixed ? dateTime(range.to).slice(0, -3) : "now"
    } UTC; drag over a chart to zoom`} tools=${tools} />
    <${Trouble} of=${list} />
    ${changed.error &&
      html`<${Note}>Changes of the server are not drawn: they could not be read.<//>`}
    <div class="columns two three">${chosen.map((metric) =>
      html`
        <${One} key=${metric} metric=${metric} rules=${rules} alerts=${alerts}
          changes=${changes.map(({ at }) => Date.parse(at))} remove=${() =>
            set(chosen.filter((one) => one !== metric))} />
      `
    )}</div>
    <${Movers} range=${range} />
  `;
}
