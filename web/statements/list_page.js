// The statements that cost most, of late and since the statistics began; those that have become slower first.
import { bytes, compact, counted, duration, milliseconds, percent } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html, useState } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Segments } from "../parts/controls.js";
import { Meter } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { Slower } from "./slower.js";

/** By what the list is ordered, and the column that shows it. */
const BY = { time: ["Time", "share"], calls: ["Calls", "calls"], io: ["I/O", "io"] };
/** Statements asked for at first, and at most. */
const FEW = 100;
const MOST = 1_000;
const ORDERS = [["recent", "Last 15 min"], ["total", "Since reset"]];
const first = (text, most = 140) => {
  const line = String(text ?? "text not fetched yet").replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
};
const address = (row) => `/statements/${encodeURIComponent(row.query_id)}`;

function Regressions() {
  const { data, error } = useApi("/api/queries?slower=true&limit=100", { every: 60_000 });
  const rows = data?.queries ?? [];
  if (rows.length === 0) {
    return html`
      <${Panel} title="Slower than usual">
        <p class="faint">${data && data.status !== "known"
          ? `Not known: ${data.detail || "the statements have not been read"}.`
          : data
          ? "None of the statements that ran for three quarters of an hour since Holdfast started has become slower. Newer ones have nothing to be compared with yet."
          : error
          ? "Not known: the statements could not be read."
          : "Asking."}</p>
        <//>
    `;
  }
  return html`
    <${Panel} title="Slower than usual" aside=${counted(rows.length, "statement")}>
      <ul class="cards">${rows.map((row) =>
        html`<li key=${row.query_id}>
        <a href=${address(row)}><code>${first(row.query, 200)}</code></a>
        ${row.regressions.map((one) => html`<${Slower} of=${one} />`)}
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
      value: (row) => work(row).rows,
      show: (row) => compact(work(row).rows),
    },
    {
      key: "io",
      head: "Blocks read, temporary",
      num: true,
      value: (row) => work(row).blocks_read + work(row).temp_blocks,
      show: (row) => `${compact(work(row).blocks_read)}, ${compact(work(row).temp_blocks)}`,
    },
    {
      key: "cache",
      head: "Cache hits",
      num: true,
      value: (row) => -(work(row).cache_hit_ratio ?? 1),
      show: (row) => work(row).cache_hit_ratio === null ? "" : percent(work(row).cache_hit_ratio),
    },
    {
      key: "wal",
      head: "WAL",
      num: true,
      value: (row) => work(row).wal_bytes,
      show: (row) => bytes(work(row).wal_bytes),
    },
  ];
}

/** Says why the list shows no statement. */
export function whyEmpty(order, data, words) {
  const known = data?.queries ?? [];
  if (known.length === 0 && data?.status !== "known") return "Not known.";
  if (known.length === 0) return "No statement is tracked.";
  if (order === "total" || words.length > 0) return "No statement fits.";
  if (known.every((row) => row.recent === null)) {
    return "What ran of late is known after a second reading, within a minute.";
  }
  return "No known statement ran of late.";
}

export function Page() {
  const [order, setOrder] = useParam("order", "recent");
  const [by, setBy] = useParam("by", "time");
  const [text, setText] = useParam("q");
  const [all, showAll] = useState(false);
  const [, column] = BY[by] ?? BY.time;
  const most = all || text ? MOST : FEW;
  const query = new URLSearchParams({
    limit: String(most),
    order: order === "total" ? "total" : "recent",
    by: by in BY ? by : "time",
  });
  const answer = useApi(`/api/queries?${query}`, { every: 30_000, deadline: 20_000 });
  const { data } = answer;
  const known = data?.queries ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = known.filter((row) =>
    (order === "total" || row.recent) &&
    words.every((word) => String(row.query).toLowerCase().includes(word))
  );
  return html`
    <${PageHead} title="Statements" aside=${(data?.status === "known" || known.length > 0) &&
      html`${data.next_cursor ? "the first " : ""}${
        counted(known.length, "statement")
      }, read <${Age} at=${data.checked_at} />`} />
        ${data && data.status !== "known" &&
          html`<${Note}>${
            known.length > 0 ? "What is listed may be old or not all" : "Statements are not known"
          }: ${data.detail || "they have not been read"}.<//>`}
        <${Regressions} />
        <${Panel} title="What costs most" tools=${html`
          <${Segments} label="By" value=${by} options=${Object.entries(BY).map((
            [key, [label]],
          ) => [key, label])}
            onChange=${setBy} /><${Segments} label="Of which time" value=${order} options=${ORDERS}
            onChange=${setOrder} /><input type="search" class="small" aria-label="Filter statements"
            placeholder="table, words" value=${text} onInput=${(event) =>
              setText(event.target.value)} />
        `}>
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} key=${by} columns=${columnsOf(order)} rows=${rows} keyOf=${(row) =>
          row.query_id} sort=${column}
          label="Statements" empty=${whyEmpty(order, data, words)} />
        ${data?.next_cursor && !all &&
          html`
            <p
              class="more"><button type="button" class="small" onClick=${() =>
                showAll(true)}>Ask for up to ${MOST.toLocaleString("en")}</button></p>
          `}
        <//>
        <//>
  `;
}
