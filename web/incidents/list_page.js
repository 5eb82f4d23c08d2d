// What was recorded around critical alerts.
import { bytes, dateTime, duration } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

/** The tone of a state; an interrupted one is kept as far as it went. */
const STATUS = { recording: "running", complete: "complete", interrupted: "warning" };

const columns = [
  {
    key: "at",
    head: "Opened (UTC)",
    value: (row) => -Date.parse(row.opened_at),
    show: (row) => html`<a href=${`/incidents/${row.id}`}>${dateTime(row.opened_at)}</a>`,
  },
  {
    key: "type",
    head: "Alert",
    value: (row) => row.alert_type,
    show: (row) => html`<a href=${`/alerts/${row.alert_id}`}>${row.alert_type}</a>`,
  },
  { key: "scope", head: "Scope", value: (row) => row.scope },
  {
    key: "status",
    head: "State",
    value: (row) => row.status,
    show: (row) => html`<${Badge} word=${STATUS[row.status]}>${row.status}<//>`,
  },
  {
    key: "length",
    head: "Lasted",
    num: true,
    value: (row) => (Date.parse(row.closed_at ?? "") - Date.parse(row.opened_at)) / 1000,
    show: (row) =>
      row.closed_at ? duration((Date.parse(row.closed_at) - Date.parse(row.opened_at)) / 1000) : "",
  },
  {
    key: "bytes",
    head: "Size",
    num: true,
    value: (row) => row.bytes,
    show: (row) => row.bytes === null ? "" : bytes(row.bytes),
  },
];

export function Page() {
  const answer = useApi("/api/incidents?limit=100", { every: 30_000 });
  return html`
    <${PageHead} title="Incidents"
      aside="recorded from ten minutes before a critical alert to three after" />
    <${Panel} title="Recorded">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.incidents ?? []} keyOf=${(row) =>
          row.id} label="Incidents"
          empty="No critical alert has been recorded." />
        <//>
        <//>
  `;
}
