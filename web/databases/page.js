// All databases of this Holdfast, those with problems first.
import { ago } from "../lib/format.js";
import { useApi } from "../lib/use_api.js";
import { html } from "../lib/view.js";
import { PageHead } from "../parts/page.js";
import { Table } from "../parts/table.js";
import { Await, Icon, Panel } from "../parts/ui.js";

const EVERY_MS = 5_000;
const ORDER = ["unhealthy", "unknown", "degraded", "healthy"];

const COLUMNS = [
  {
    key: "status",
    head: "Status",
    value: ({ status }) => ORDER.indexOf(status),
    show: ({ status }) => html`<${Icon} word=${status} /> ${status}`,
  },
  {
    key: "name",
    head: "Database",
    value: ({ name }) => name,
    show: ({ name }) =>
      html`<a href=${`/databases/${encodeURIComponent(name)}/`} target="_self">${name}</a>`,
  },
  { key: "alerts", head: "Alerts", num: true, value: ({ alerts_firing }) => alerts_firing },
  { key: "reason", head: "Reason", wide: true, show: ({ reasons }) => reasons[0] ?? "" },
  { key: "role", head: "Role", value: ({ role }) => role ?? "unknown" },
  { key: "version", head: "Version", value: ({ version }) => version ?? "unknown" },
  {
    key: "age",
    head: "Last answer",
    num: true,
    value: ({ age_ms }) => age_ms ?? Infinity,
    show: ({ age_ms }) => age_ms === null ? "never" : ago(age_ms / 1_000),
  },
];

export function Page() {
  const asked = useApi("/api/databases", { every: EVERY_MS });
  return html`
    <${PageHead} title="Databases" aside="Those with problems first." />
    <${Panel} title="All databases of this Holdfast">
      <${Await} asked=${asked} what="the databases">${(data) =>
        html`<${Table} columns=${COLUMNS} rows=${data.databases} keyOf=${({ name }) =>
          name} label="Databases" />`}<//>
    <//>
  `;
}
