// What each optimisation is worth on this very server: verdicts with intervals, a run, its history.
import { request } from "../lib/api.js";
import { dateTime, words } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { May, Sure } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { areAnswered, Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { Interval, Trend } from "./plots.js";
import { asks, fromTo, improvementWords } from "./words.js";

const OVER = ["completed", "aborted", "failed"];

function Progress({ run, frame, reload }) {
  const action = useAction();
  const data = frame?.data?.run_id === run.id ? frame.data : null;
  const said = [
    data?.total > 0 ? `${data.done ?? 0} of ${data.total}` : null,
    data?.case ?? (data?.category ? words(data.category) : null),
    data?.message,
  ].filter(Boolean).join(" · ");
  const abort = () =>
    action.run(() =>
      request(`/api/benchmarks/runs/${encodeURIComponent(run.id)}`, { method: "DELETE" }).then(
        reload,
      )
    );
  return html`
    <${Panel} title="Running" aside=${html`a ${run.profile} run, started <${Age} at=${run.started_at} />`} tools=${html`
      <${May}>
        <${Sure} disabled=${action.busy} sure="Abort the run?" onClick=${abort}>Abort<//><//>
    `}>
      <p role="status">${said || `It is ${run.status}; waiting for its first figures.`}</p>
      <progress max=${data?.total > 0 ? data.total : null} value=${data?.total > 0
        ? data.done ?? 0
        : null} aria-label="Benchmark progress" />
      <${Failed} action=${action} />
      <//>
  `;
}

function Category({ row }) {
  const measured = row.verdict !== "not_measured" && typeof row.improvement === "number";
  const say = (value) => improvementWords(row, value);
  return html`
    <li class="bench">
      <div>
        <h3>${words(row.category)}</h3>
        <p class="faint">${asks(row.category)}</p>
      </div>
      <div>
        <p class="bench-figure" data-measured=${measured}>${measured
          ? say(row.improvement)
          : "not measured"}</p>
        <p class="faint">${fromTo(row)}</p>
      </div>
      <${Interval} row=${row} say=${say} />
      <p>
        <${Badge} word=${row.verdict}>${row.verdict.replace("_", " ")}<//></p></li>
  `;
}

function Trends() {
  const [chosen, choose] = useParam("case");
  const list = useApi("/api/benchmarks");
  const cases = list.data?.cases ?? [];
  const name = chosen || cases.find(({ counts }) => counts)?.id || "";
  const answer = useApi(name ? `/api/benchmarks/history?case=${encodeURIComponent(name)}` : null);
  const found = answer.data?.history?.[0];
  const one = cases.find(({ id }) => id === name);
  return html`<${Panel} title="Over the runs" aside=${one?.title} tools=${html`<select class="small" aria-label="Case" value=${name} onChange=${(
    event,
  ) => choose(event.target.value)}>${
    cases.map(({ id }) => html`<option value=${id} selected=${id === name}>${id}</option>`)
  }</select>`}>
    <${Trouble} of=${list} /><${Trouble} of=${answer} />
    ${one && html`<p class="faint">${one.baseline} → ${one.candidate}</p>`}
    ${
    !found || found.points.length === 0
      ? html`
        <${Await} of=${answer}>
          <p class="empty">No run measured this case yet.</p>
          <//>
      `
      : html`<${Trend} points=${found.points} changes=${found.changes} say=${(value) =>
        improvementWords({ category: one?.category }, value)} />`
  }
  <//>`;
}

const RUN_COLUMNS = [
  {
    key: "at",
    head: "Started (UTC)",
    value: (row) => Date.parse(row.started_at),
    show: (row) => dateTime(row.started_at),
  },
  { key: "profile", head: "Profile", value: (row) => row.profile },
  {
    key: "status",
    head: "State",
    value: (row) => row.status,
    show: (row) => html`<${Badge} word=${row.status} />`,
  },
  {
    key: "passed",
    head: "Passed",
    num: true,
    value: (row) => row.results.filter(({ verdict }) => verdict === "pass").length,
    show: (row) =>
      `${row.results.filter(({ verdict }) => verdict === "pass").length} of ${row.results.length}`,
  },
  { key: "error", head: "Trouble", wide: true, value: (row) => row.error ?? "" },
  {
    key: "report",
    head: "",
    show: (row) =>
      html`<a href=${`/api/benchmarks/runs/${
        encodeURIComponent(row.id)
      }/report?format=html`} target="_blank" rel="noopener">Report</a>`,
  },
];

export function Page() {
  const frame = useStore(app, ({ frames }) => frames.performance_benchmark);
  const answer = useApi("/api/health/performance", {
    every: 60_000,
    soon: frame?.data?.state === "finished" ? frame.seq : null,
  });
  const runs = useApi("/api/benchmarks/runs", {
    every: 30_000,
    soon: frame?.data?.state === "finished" ? frame.seq : frame?.data?.run_id,
  });
  const start = useAction();
  const all = runs.data?.runs ?? [];
  const active = all.find(({ status }) => !OVER.includes(status));
  const run = (profile) =>
    start.run(() =>
      request("/api/benchmarks/runs", { method: "POST", body: { profile }, deadline: 15_000 }).then(
        () => runs.reload(),
      )
    );
  const rows = answer.data?.categories ?? [];
  const judged = rows.filter(({ verdict }) => verdict !== "not_measured");
  const tools = html`<${May}><button type="button" class="small primary" disabled=${
    Boolean(active) || start.busy
  } onClick=${() => run("quick")}>${
    active ? "Benchmark running…" : "Run quick benchmark"
  }</button><${Sure} kind="small" disabled=${
    Boolean(active) || start.busy
  } sure="It takes about ten minutes: start?" onClick=${() => run("full")}>Full<//><//>`;
  return html`
    <${PageHead} title="Benchmarks" aside=${judged.length === 0
      ? "nothing measured on this server yet"
      : `${
        judged.filter(({ verdict }) => verdict === "pass").length
      } of ${judged.length} targets met${
        answer.data.measured_at ? `, measured ${dateTime(answer.data.measured_at)} UTC` : ""
      }`} tools=${tools} />
        <${Failed} action=${start} what="Not started" /><${Trouble} of=${answer} />
        ${active && html`<${Progress} run=${active} frame=${frame} reload=${runs.reload} />`}
        <${Panel} title="Targets" aside="bars are 95 % intervals, the dashed line the target">
      <${Await} of=${answer} lines=${6}>
        <ul class="benches">${rows.map((row) =>
          html`<${Category} key=${row.category} row=${row} />`
        )}</ul>
        <//>
        <//>
        ${areAnswered(answer) && html`
          <${Trends} />
          <${Panel} title="Runs">
            <${Trouble} of=${runs} />
            <${Await} of=${runs}>
              <${Table} columns=${RUN_COLUMNS} rows=${all} keyOf=${(row) =>
                row.id} sort="at" label="Runs"
                empty="No run yet." />
              <//>
              <//>
        `}
  `;
}
