// One incident on a line of time: the values, who blocked whom at the cursor, what changed, to keep and to share.
import { LockTree } from "../activity/lock_tree.js";
import { Rows } from "../alerts/evidence.js";
import { changeWords } from "../history/change_words.js";
import { clock, compact, dateTime, milliseconds, percent } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/view.js";
import { axisSteps, show, unitOf } from "../metrics/units.js";
import { Chart } from "../parts/chart.js";
import { Segments } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Panel, Trouble } from "../parts/panel.js";
import { Copy, Sql } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { summaryOf } from "./summary.js";

const FIRST = [
  "blocked_sessions",
  "connections_used",
  "longest_lock_wait_seconds",
  "transactions_per_second",
  "longest_transaction_seconds",
  "pool_waiting",
];
const MOST = 8;
/** How often an incident that is being recorded is read. */
const RECORDING_MS = 60_000;

function Lines({ incident, at, move }) {
  const from = Date.parse(incident.from);
  const to = Date.parse(incident.to);
  const names = [...FIRST, ...Object.keys(incident.samples)].filter((name, index, all) =>
    incident.samples[name]?.length > 1 && all.indexOf(name) === index
  );
  const moved = names.filter((name) =>
    new Set(incident.samples[name].map(([, value]) => value)).size > 1
  ).slice(0, MOST);
  const bands = incident.alerts.map((alert) => ({
    from: Date.parse(alert.started_at),
    to: Date.parse(alert.resolved_at ?? "") || to,
    tone: alert.severity === "critical" ? "bad" : "warn",
  }));
  if (moved.length === 0) return html`<p class="empty">No value changed, or none was recorded.</p>`;
  return html`<div class="columns two">${
    moved.map((name) => {
      const points = incident.samples[name].map(([seconds, value]) => ({
        at: from + seconds * 1000,
        value,
      }));
      return html`
        <div key=${name}>
          <h3 class="sub">${name.replaceAll("_", " ")}</h3>
          <${Chart} points=${points} step=${5} from=${from} to=${to}
            format=${(value) => show(unitOf(name), value)} steps=${axisSteps(unitOf(name))}
            label=${name} bands=${bands} marks=${at ? [at] : []} sync="incident"
            height=${110} onHover=${(point) => point && move(point.at)} />
        </div>
      `;
    })
  }</div>`;
}

/** What a statement did of late where that is known, else since the statistics began. */
const workOf = (row) => row.recent ?? row;

const STATEMENT_COLUMNS = [
  {
    key: "query",
    head: "Statement",
    wide: true,
    value: (row) => row.query,
    show: (row) =>
      html`<a class="statement" href=${`/statements/${row.query_id}`}>${
        String(row.query ?? "not fetched").slice(0, 140)
      }</a>`,
  },
  {
    key: "share",
    head: "Share",
    num: true,
    value: (row) => workOf(row).share,
    show: (row) => percent(workOf(row).share),
  },
  {
    key: "calls",
    head: "Calls",
    num: true,
    value: (row) => workOf(row).calls,
    show: (row) => compact(workOf(row).calls),
  },
  {
    key: "mean",
    head: "A call",
    num: true,
    value: (row) => workOf(row).mean_ms,
    show: (row) => milliseconds(workOf(row).mean_ms),
  },
];

function Alerts({ incident, alert }) {
  return html`
    <section class="panel">
      <div class="alert-head">
        <${Badge} word=${incident.status === "recording"
          ? "running"
          : alert.severity ?? "info"}>${incident.status === "recording"
          ? "recording"
          : alert.severity}<//>
              ${incident.alerts.map((one) =>
                html`<a href=${`/alerts/${one.id}`}>${one.alert_type}${
                  one.scope ? ` ${one.scope}` : ""
                }</a>`
              )}<span class="faint">opened ${clock(incident.opened_at)}</span></div>${alert.cause &&
                html`<p>${alert.cause}</p>`}</section>
  `;
}

function Changes({ incident }) {
  return html`<${Panel} title="What changed">${
    incident.changes.length +
          (incident.maintenance?.length ?? 0) === 0
      ? html`<p class="empty">No setting, DDL, index, restart or rotation was seen.</p>`
      : html`<ul class="plain">${
        incident.changes.map((change) =>
          html`<li><span class="faint">${clock(change.at)}</span> ${changeWords(change)}</li>`
        )
      }${
        (incident.maintenance ?? []).slice(0, 20).map((one) =>
          html`<li><span class="faint">${clock(one.at)}</span> ${one.action} ${one.table} ${
            one.partition ?? ""
          }${one.error ? `: ${one.error}` : ""}</li>`
        )
      }</ul>`
  }<//>`;
}

export function Page({ params }) {
  const [every, poll] = useState(0);
  const answer = useApi(`/api/incidents/${encodeURIComponent(params.id)}`, {
    every,
    deadline: 20_000,
  });
  useEffect(() => poll(answer.data?.status === "recording" ? RECORDING_MS : 0), [answer.data]);
  const [at, move] = useState(null);
  const [which, choose] = useState("before");
  const incident = answer.data;
  if (!incident) {
    return html`
      <${PageHead} title="Incident" tools=${html`<a href="/incidents">All incidents</a>`} />
      <${Trouble} of=${answer} />
      <${Await} of=${answer} />
    `;
  }
  const alert = incident.alerts[0] ?? {};
  const moment = at ?? Date.parse(incident.opened_at);
  const look = incident.blocking.filter((one) => Date.parse(one.at) <= moment + 2_500).at(-1);
  const frame = incident[which] ?? incident.before;
  const statements = Array.isArray(frame?.statements) ? frame.statements : [];
  const shown = incident.sessions.find((one) => one.sessions?.length > 0);
  return html`
    <${PageHead} title=${alert.message ?? "Incident"} aside=${`${dateTime(incident.from)} to ${
      dateTime(incident.to)
    } UTC`} tools=${html`
      <${Copy} text=${() =>
        summaryOf(incident)} label="Copy a summary" /><a href=${`/api/incidents/${incident.id}`}
        download=${`incident-${incident.id}.json`}>Download</a><a href="/incidents">All incidents</a>
    `} />
    <${Trouble} of=${answer} />
    <${Alerts} incident=${incident} alert=${alert} />
    <${Panel} title="Values" aside="point at a time to see the values of that time below">
      <${Lines} incident=${incident} at=${at} move=${move} />
      <//>
      <div class="columns two">
        <${Panel} title="Who blocked whom" aside=${look ? `at ${clock(look.at)}` : ""}>${look
          ? html`<${LockTree} roots=${look.roots} acts=${false} />`
          : html`<p class="empty">Nobody waited for a lock by ${clock(moment)}.</p>`}<//>
          <${Changes} incident=${incident} />
        </div>
        <${Panel} title="Statements" tools=${incident.after &&
          html`<${Segments} label="When" value=${which} options=${[["before", "Before"], [
            "after",
            "After",
          ]]} onChange=${choose} />`}><${Table} columns=${STATEMENT_COLUMNS} rows=${statements} keyOf=${(
          row,
        ) =>
          row
            .query_id} sort="share" label="Statements" empty="Statements were unknown at that time." /><//>
        ${shown && html`
          <${Panel} title="Sessions" aside=${`at ${clock(shown.taken_at)}`}>
            <${Rows} rows=${shown.sessions} />
            <//>
        `}
        ${(alert.cure ?? []).length > 0 &&
          html`<${Panel} title="What to run">${
            alert.cure.map((cure) => html`<${Sql} key=${cure.sql} ...${cure} />`)
          }<//>`}
  `;
}
