// One statement: its text, what it costs of late and in all, whether it got slower and what changed before.
import { changeWords } from "../history/change_words.js";
import { bytes, compact, dateTime, duration, milliseconds, percent } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Pairs, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { useApi } from "../parts/use_api.js";

const work = (one) =>
  one === null ? [["", "not known before two readings"]] : [
    ["share of all time", percent(one.share)],
    ["time", duration(one.total_ms / 1000)],
    ["calls", compact(one.calls)],
    ["time a call", milliseconds(one.mean_ms)],
  ];

export function Page({ params }) {
  const answer = useApi("/api/queries?limit=1000&order=recent", {
    every: 30_000,
    deadline: 20_000,
  });
  const found = (answer.data?.queries ?? []).find(({ query_id }) => query_id === params.id);
  const total = useApi(answer.data && !found ? "/api/queries?limit=1000&order=total" : null);
  const row = found ?? (total.data?.queries ?? []).find(({ query_id }) => query_id === params.id);
  return html`
    <${PageHead} title="Statement" aside=${html`<span class="pid">${params.id}</span>`} tools=${html`<a href="/statements">All statements</a>`} />
    <${Trouble} of=${answer} />
    <${Await} of=${answer}>${!row
      ? html`
        <p
          class="empty">The statistics no longer have this statement: it may have been evicted or reset.</p>
      `
      : html`
        ${row.regressions.length > 0 && html`
          <${Panel} title="Slower than usual">
            <ul class="cards">${row.regressions.map((one) =>
              html`<li>
        <p><${Icon} word="warn" /> ${
                one.metric === "mean_ms"
                  ? `${milliseconds(one.before)} before, ${milliseconds(one.after)} now, a call`
                  : `${compact(one.before)} blocks before, ${compact(one.after)} now, a call`
              }: ${one.ratio.toFixed(1)}× since ${
                dateTime(one.since)
              } UTC (<${Age} at=${one.since} />)</p>
        ${
                one.changes.length === 0
                  ? html`<p class="faint">No change of the server was seen in the hour before.</p>`
                  : html`<ul class="plain">${
                    one.changes.map((change) =>
                      html`<li><span class="faint">${dateTime(change.at)}</span> ${
                        changeWords(change)
                      }${
                        change.same_table && html`
                          <b>names its table</b>
                        `
                      }</li>`
                    )
                  }</ul>`
              }
      </li>`
            )}</ul>
            <//>
        `}
        <${Panel} title="Text" aside="without constants">
          <${Sql} sql=${row.query ?? "not fetched yet"} />
          <//>
          <div class="columns two three">
            <${Panel} title=${row.recent ? `Last ${duration(row.recent.seconds)}` : "Of late"}>
              <${Pairs} of=${work(row.recent)} />
              <//>
              <${Panel} title="Since the statistics began">
                <${Pairs} of=${work(row)} />
                <//>
                <${Panel} title="What it touches">
                  <${Pairs} of=${[
                    ["rows", compact(row.rows)],
                    [
                      "from the cache",
                      row.cache_hit_ratio === null
                        ? "read nothing"
                        : percent(row.cache_hit_ratio, 2),
                    ],
                    ["temporary blocks", compact(row.temp_blocks)],
                    ["WAL", bytes(row.wal_bytes)],
                  ]} />
                  <//>
                  </div>
      `}<//>
  `;
}
