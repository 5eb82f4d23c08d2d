// One statement: its text, what it costs of late and in all, its history, its plan, and whether it got slower and why.
import { bytes, compact, duration, milliseconds, percent } from "../lib/format.js";
import { html } from "../lib/view.js";
import { PageHead } from "../parts/page_head.js";
import { areAnswered, Await, Pairs, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { useApi } from "../parts/use_api.js";
import { Plan } from "./plan_tree.js";
import { Slower } from "./slower.js";
import { WorkCharts } from "./work_charts.js";

/** As many characters of a text as Holdfast reads. */
const TEXT_MOST = 2_000;

const work = (one) =>
  one === null ? [["", "not known before two readings"]] : [
    ["share of all time", percent(one.share)],
    ["time", duration(one.total_ms / 1000)],
    ["calls", compact(one.calls)],
    ["time a call", one.calls > 0 ? milliseconds(one.mean_ms) : "not called"],
    ["rows", compact(one.rows)],
    [
      "from the cache",
      one.cache_hit_ratio === null ? "read nothing" : percent(one.cache_hit_ratio, 2),
    ],
    ["blocks read", compact(one.blocks_read)],
    ["temporary blocks", compact(one.temp_blocks)],
    ["WAL", bytes(one.wal_bytes)],
  ];

function Figures({ row }) {
  return html`
    <${Panel} title="Text" aside=${row.query?.length === TEXT_MOST
      ? `its first ${TEXT_MOST.toLocaleString("en")} characters, without constants`
      : "without constants"}>
      <${Sql} sql=${row.query ?? "not fetched yet"} />
      <//>
      <div class="columns two">
        <${Panel} title=${row.recent ? `Last ${duration(row.recent.seconds)}` : "Of late"}>
          <${Pairs} of=${work(row.recent)} />
          <//>
          <${Panel} title="Since the statistics began">
            <${Pairs} of=${work(row)} />
            <//>
            </div>
  `;
}

export function Page({ params }) {
  const answer = useApi(`/api/database/statements/${encodeURIComponent(params.id)}`, {
    every: 30_000,
  });
  const row = answer.data?.statement;
  const gone = answer.error?.status === 404;
  const regressions = row?.regressions ?? [];
  return html`
    <${PageHead} title="Statement" aside=${html`<span class="pid">${params.id}</span>`} tools=${html`<a href="/statements">All statements</a>`} />
    ${gone
      ? html`
        <p
          class="empty">The statistics no longer have this statement: it may have been evicted or reset.</p>
      `
      : html`<${Trouble} of=${answer} />`}
    ${regressions.length > 0 && html`
      <${Panel} title="Slower than usual">
        <ul class="cards">${regressions.map((one) =>
          html`
            <li key=${one.metric}>
              <${Slower} of=${one} whole=${true} />
            </li>
          `
        )}</ul>
        <//>
    `}
    <${Await} of=${answer} lines=${6} />
    ${areAnswered(answer) && html`<${WorkCharts} id=${params.id} regressions=${regressions} />
      ${row && html`<${Figures} row=${row} />`}${!gone && html`<${Plan} id=${params.id} />`}`}
  `;
}
