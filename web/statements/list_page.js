// The statements that cost most, of late and since the statistics began; those that have become slower first.
import { changeWords } from "../history/change_words.js";
import { bytes, compact, duration, milliseconds, percent } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Segments } from "../parts/controls.js";
import { Icon, Meter } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

const ORDERS = [["recent", "Last 15 min"], ["total", "Since reset"]];
const first = (text, most = 140) => {
  const line = String(text ?? "text not fetched yet").replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
};
const address = (row) => `/statements/${encodeURIComponent(row.query_id)}`;

function Regressions({ rows }) {
  const worse = rows.filter(({ regressions }) => regressions.length > 0);
  if (worse.length === 0) return null;
  return html`
    <${Panel} title="Slower than usual" aside=${`${worse.length} of ${rows.length}`}>
      <ul class="cards">${worse.map((row) =>
        html`<li key=${row.query_id}>
    <a href=${address(row)}><code>${first(row.query, 200)}</code></a>
    ${
          row.regressions.map((one) =>
            html`<p><${Icon} word="warn" /> ${
              one.metric === "mean_ms"
                ? `${milliseconds(one.before)} → ${milliseconds(one.after)} a call`
                : `${compact(one.before)} → ${compact(one.after)} blocks a call`
            } <span class="faint">(${
              one.ratio.toFixed(1)
            }×, since <${Age} at=${one.since} />)</span>
      ${
              one.changes.length > 0
                ? html`<br /><span class="faint">likely cause: ${
                  changeWords(one.changes[0])
                }</span>`
                : html`<br /><span class="faint">no change of the server was seen in the hour before</span>`
            }</p>`
          )
        }
  </li>`
      )}</ul>
      <//>
  `;
}

/** The columns of the list, with the work of the chosen time. */
function columnsOf(order) {
  const work = (row) => (order === "total" ? row : row.recent);
  return [
    {
      key: "query",
      head: "Statement",
      value: (row) => row.query,
      wide: true,
      show: (row) => html`<a class="statement" href=${address(row)}>${first(row.query)}</a>`,
    },
    {
      key: "share",
      head: "Share",
      num: true,
      value: (row) => work(row).share,
      show: (row) => html`${percent(work(row).share)}<${Meter} share=${work(row).share} />`,
    },
    {
      key: "total",
      head: "Time",
      num: true,
      value: (row) => work(row).total_ms,
      show: (row) => duration(work(row).total_ms / 1000),
    },
    {
      key: "calls",
      head: "Calls",
      num: true,
      value: (row) => work(row).calls,
      show: (row) => compact(work(row).calls),
    },
    {
      key: "mean",
      head: "A call",
      num: true,
      value: (row) => work(row).mean_ms,
      show: (row) => milliseconds(work(row).mean_ms),
    },
    {
      key: "all",
      head: "A call, since reset",
      num: true,
      value: (row) => row.mean_ms,
      show: (row) => html`<span class="faint">${milliseconds(row.mean_ms)}</span>`,
    },
    {
      key: "rows",
      head: "Rows",
      num: true,
      value: (row) => row.rows,
      show: (row) => compact(row.rows),
    },
    {
      key: "cache",
      head: "Cache hits",
      num: true,
      value: (row) => -(row.cache_hit_ratio ?? 1),
      show: (row) => row.cache_hit_ratio === null ? "" : percent(row.cache_hit_ratio),
    },
    {
      key: "wal",
      head: "WAL",
      num: true,
      value: (row) => row.wal_bytes,
      show: (row) => bytes(row.wal_bytes),
    },
  ];
}

export function Page() {
  const [order, setOrder] = useParam("order", "recent");
  const [text, setText] = useParam("q");
  const answer = useApi(`/api/queries?limit=1000&order=${order === "total" ? "total" : "recent"}`, {
    every: 30_000,
    deadline: 20_000,
  });
  const { data } = answer;
  const all = data?.queries ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((row) =>
    (order === "total" || row.recent) &&
    words.every((word) => String(row.query).toLowerCase().includes(word))
  );
  return html`
    <${PageHead} title="Statements" aside=${html`${all.length} statements, read <${Age} at=${data?.checked_at} />`} />
        <${Trouble} of=${answer} />
        ${data && data.status !== "known" &&
          html`<${Note}>Statements are not known: ${data.detail || "they have not been read"}.<//>`}
        <${Regressions} rows=${all} />
        <${Panel} title="What costs most" tools=${html`
          <${Segments} label="Of which time" value=${order} options=${ORDERS}
            onChange=${setOrder} /><input type="search" class="small" aria-label="Filter statements"
            placeholder="table, words" value=${text} onInput=${(event) =>
              setText(event.target.value)} />
        `}>
      <${Await} of=${answer}>
        <${Table} columns=${columnsOf(order)} rows=${rows} keyOf=${(row) =>
          row.query_id} sort="share"
          label="Statements" empty=${order === "recent"
            ? "No known statement ran between the last two readings."
            : "No statement is tracked."} />
        <//>
        <//>
  `;
}
