// Space and ids, tables, indexes with advice, sequences.
import { bytes } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { MetricRows, useMetrics } from "../metrics/rows.js";
import { PageHead } from "../parts/page_head.js";
import { Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { app } from "../state.js";
import { Indexes } from "./indexes.js";
import { Sequences } from "./sequences.js";
import { Tables } from "./tables.js";

function Advice() {
  const list = useStore(app, ({ database }) => database?.recommendations) ?? null;
  return html`<${Panel} title="Advice" id="advice" aside="what Holdfast would do">${
    list === null
      ? html`<p class="empty">Not known yet.</p>`
      : list.length === 0
      ? html`<p class="empty">Nothing to recommend.</p>`
      : html`<ul class="cards">${
        list.slice(0, 50).map((one) =>
          html`<li key=${one.title}><h3>${one.title}</h3><p>${one.detail}</p>${
            one.sql && html`<${Sql} ...${one} />`
          }</li>`
        )
      }</ul>`
  }<//>`;
}

export function Page() {
  const metrics = useMetrics();
  const size = metrics.one("database_size_bytes");
  return html`
    <${PageHead} title="Storage" aside=${size?.value
      ? `the database holds ${bytes(size.value)}`
      : ""} />
    <${Trouble} of=${metrics.answer} />
    <div class="columns two">
      <${Panel} title="Space and ids">
        <${MetricRows} metrics=${metrics} rows=${[
          ["database_size_bytes", "Database"],
          ["database_growth_bytes_per_day", "Growth"],
          ["bloat_bytes", "Bloat, estimated"],
          ["unused_index_bytes", "Unused indexes"],
          ["xid_age", "Oldest transaction id"],
          ["wraparound_seconds", "Ids last"],
          ["xmin_horizon_age", "Vacuum held back by"],
          ["vacuums_running", "Vacuums running"],
          ["disk_full_seconds", "Disk full in"],
        ].filter(([name]) => name !== "disk_full_seconds" || metrics.one(name))} />
        <//>
        <${Advice} />
        </div>
        <${Tables} metrics=${metrics} />
        <${Indexes} />
        <${Sequences} metrics=${metrics} />
  `;
}
