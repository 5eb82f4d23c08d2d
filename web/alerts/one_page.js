// One alert: a chart of its value and level, evidence, cause, what to run, deliveries, what else changed.
import { changeWords } from "../history/change_words.js";
import { Movers } from "../history/movers.js";
import { serverNow } from "../lib/clock.js";
import { counted, dateTime, moment } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { useSeries } from "../metrics/series.js";
import { axisSteps, show } from "../metrics/units.js";
import { Chart } from "../parts/chart.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { areAnswered, Await, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { AlertActions } from "./actions.js";
import { around } from "./around.js";
import { Evidence } from "./evidence.js";
import { AlertFacts } from "./list.js";
import { scopeWords } from "./words.js";

/** Of the chart, in pixels: as much is left free until its points are there. */
const HEIGHT = 190;

function Drawn({ alert, rule }) {
  const range = around(alert, serverNow());
  const series = useSeries(rule.metric, { scope: alert.scope, most: 240, range });
  const [point, hover] = useState(null);
  const levels = [[rule.warning, "warn"], [rule.critical, "bad"]].filter(([value]) =>
    typeof value === "number"
  ).map(([value, tone]) => ({ value, tone }));
  const bands = [{
    from: Date.parse(alert.started_at),
    to: Date.parse(alert.resolved_at ?? "") || series.to,
    tone: alert.severity === "critical" ? "bad" : "warn",
  }];
  const format = (value) => show(rule.unit, value);
  const say = point
    ? `${moment(point.at, serverNow())} · ${format(point.value)}`
    : series.points.length > 0
    ? `${series.points.length} points; shaded: while it fires; dashed: its levels`
    : series.loading
    ? "Asking."
    : series.error && series.error.status !== 404
    ? "Not known."
    : "No history of this value is kept.";
  return html`<${Panel} title=${rule.metric.replaceAll("_", " ")} aside=${scopeWords(alert.scope)}>
    ${series.error?.status !== 404 && html`<${Trouble} of=${series} />`}
    ${
    series.loading && series.points.length === 0 && html`<div style=${{ height: `${HEIGHT}px` }} />`
  }
    ${
    series.points.length > 0 && html`
      <${Chart} points=${series.points} step=${series.step} from=${series.from} to=${series
        .to} format=${format}
        steps=${axisSteps(rule.unit)}
        label=${`${rule.metric} around the alert`} levels=${levels} bands=${bands} height=${HEIGHT} onHover=${hover} />
    `
  }
    <p class="readout">${say}</p>
  <//>`;
}

const MOST_CURES = 10;

/** The statements that end the cause, the first of them only if they are many. */
function Cure({ alert }) {
  const all = alert.cure ?? [];
  const left = all.length - MOST_CURES;
  return html`<${Panel} title="What to run">
    ${all.length === 0 && html`<p class="empty">There is no statement to run; see the cause.</p>`}
    ${all.slice(0, MOST_CURES).map((cure) => html`<${Sql} key=${cure.sql} ...${cure} />`)}
    ${left > 0 && html`<p class="faint">${counted(left, "more statement")} after these.</p>`}
  <//>`;
}

/** The page on which the cause can be ended. */
function Where({ alert: { rule, scope } }) {
  if (rule !== "partition_runway" || !scope) return null;
  return html`<p><a href=${`/partitions/${
    encodeURIComponent(scope)
  }`}>Policy, plan and log of ${scope}</a></p>`;
}

function Changes({ alert }) {
  const { from, to } = around(alert, serverNow());
  const query = new URLSearchParams({
    from: new Date(from).toISOString(),
    to: new Date(Math.max(to, from + 1)).toISOString().replace(/:\d\d\.\d+Z/, ":59Z"),
  });
  const answer = useApi(`/api/changes?${query}`, { subject: alert.id });
  const list = answer.data?.changes ?? [];
  return html`
    <${Panel} title="What else changed" aside="from an hour before">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>${list.length === 0
        ? html`<p class="empty">No setting, DDL, index or restart was seen.</p>`
        : html`<ul class="plain">${
          list.slice(0, 30).map((change) =>
            html`<li><span class="faint">${dateTime(change.at)}</span> ${changeWords(change)}</li>`
          )
        }</ul>`}<//>
      <//>
  `;
}

function Deliveries({ alert }) {
  const answer = useApi("/api/alerts/deliveries?limit=100", { every: 30_000 });
  const since = Date.parse(alert.started_at) - 60_000;
  const isOurs = ({ rule, scope }) => rule === alert.rule && scope === alert.scope;
  const read = answer.data?.deliveries ?? [];
  const list = read.filter((one) => Date.parse(one.created_at) >= since && one.events.some(isOurs));
  const isPart = answer.data?.next_cursor && Date.parse(read.at(-1)?.created_at) >= since;
  const columns = [
    { key: "at", head: "When (UTC)", value: (row) => dateTime(row.created_at) },
    { key: "channel", head: "Channel", value: (row) => row.channel },
    {
      key: "what",
      head: "What",
      value: (row) => row.events.find(isOurs)?.kind,
    },
    {
      key: "state",
      head: "State",
      value: (row) => row.state,
      show: (row) =>
        html`<${Badge} word=${row.state === "queued" ? "running" : row.state}>${row.state}<//>`,
    },
    { key: "error", head: "Trouble", value: (row) => row.error ?? "", wide: true },
  ];
  return html`
    <${Panel} title="Deliveries">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${list} keyOf=${(row) => row.id} name="told"
          label="Deliveries"
          empty=${isPart
            ? `None of the newest ${read.length} deliveries is of this alert; earlier ones may be.`
            : "No notification was sent, except to the log and the browsers."} />
        <//>
        <//>
  `;
}

export function Page({ params }) {
  const pushed = useStore(app, ({ alerts }) => alerts.find(({ id }) => String(id) === params.id));
  const answer = useApi(`/api/alerts/${encodeURIComponent(params.id)}`, {
    every: 15_000,
    soon: `${pushed?.state} ${pushed?.acknowledged_at} ${pushed?.silenced_by}`,
  });
  const rules = useApi("/api/alerts/rules");
  // The card's figures and its evidence are of one answer.
  const alert = answer.data ?? pushed;
  const rule = (rules.data?.rules ?? []).find(({ name }) => name === alert?.rule);
  // Its chart needs the rule, and stands above the evidence.
  if (!alert || !areAnswered(rules)) {
    return html`
      <${PageHead} title="Alert" />
      <${Trouble} of=${answer} />
      <${Await} of=${answer} />
    `;
  }
  const over = alert.state === "resolved";
  const value = rule ? show(rule.unit, alert.value) : alert.value;
  return html`
    <${PageHead} title=${alert.message ??
      alert
        .alert_type} tools=${html`<a href=${alert.runbook}>Runbook</a><a href="/alerts">All alerts</a>`} />
    <${Trouble} of=${answer} />
    <section class="panel alert-top" data-tone=${over ? "good" : alert.severity}>
          <div class="alert-head"><${Badge} word=${over
            ? "resolved"
            : alert.severity} /><span class="tag">${over ? alert.severity : alert.state}</span>
            <span>${rule?.title ?? alert.rule}</span>${rule && rule.unit !== "flag" &&
              html`<span class="faint">value ${value}, level ${
                show(rule.unit, alert.threshold)
              }</span>`}
            <${AlertActions} alerts=${[alert]} /></div>
          <${AlertFacts} alert=${alert} />
          ${alert.explanation?.why?.length > 0 && html`
            <details>
              <summary>Why it fires, and when it ends</summary>
              <ul class="plain">${alert.explanation.why.map((line) => html`<li>${line}</li>`)}</ul>
            </details>
          `}
        </section>
    <div class="columns wide-left">
      <div class="stack">
            ${rule && html`<${Drawn} alert=${alert} rule=${rule} />`}
            <${Panel} title="Evidence"><${Evidence} alert=${alert} at=${answer.data
              ? answer.at
              : null}
              after=${() => setTimeout(answer.reload, 400)} /><//>
            <${Movers} range=${around(alert, serverNow())} except=${rule?.metric} />
          </div>
          <div class="stack">
            <${Panel} title="Likely cause"><p>${alert.cause ||
              "Not known."}</p><${Where} alert=${alert} /><//>
            <${Cure} alert=${alert} />
            <${Changes} alert=${alert} />
            <${Deliveries} alert=${alert} />
          </div>
        </div>
  `;
}
