// What was recorded around critical alerts, in this database or in all of this Holdfast.
import { databaseName } from "../lib/database.js";
import { bytes, dateTime, duration } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html } from "../lib/view.js";
import { Segments } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

/** The tone of a state; an interrupted one is kept as far as it went. */
const STATUS = { recording: "running", complete: "complete", interrupted: "warning" };

/** Where the pages of a row's database are; "" for those of this page's own. */
const placeOf = ({ database }, own) =>
  database === own ? "" : `/databases/${encodeURIComponent(database)}`;
/** Another database's pages are loaded anew: a page belongs to one for its whole life. */
const targetOf = (row, own) => row.database === own ? undefined : "_self";

const columnsOf = (own) => [
  {
    key: "at",
    head: "Opened (UTC)",
    value: (row) => -Date.parse(row.opened_at),
    show: (row) =>
      html`<a href=${`${placeOf(row, own)}/incidents/${row.id}`} target=${targetOf(row, own)}>${
        dateTime(row.opened_at)
      }</a>`,
  },
  {
    key: "type",
    head: "Alert",
    value: (row) => row.alert_type,
    show: (row) =>
      html`<a href=${`${placeOf(row, own)}/alerts/${row.alert_id}`} target=${
        targetOf(row, own)
      }>${row.alert_type}</a>`,
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

const databaseColumn = {
  key: "database",
  head: "Database",
  value: (row) => row.database,
  show: (row) =>
    html`<a href=${`/databases/${
      encodeURIComponent(row.database)
    }/`} target="_self">${row.database}</a>`,
};

export function Page() {
  const [database, setDatabase] = useParam("database");
  const all = database === "*";
  const several = (useApi("/api/databases?limit=2").data?.databases?.length ?? 0) > 1;
  const answer = useApi(`/api/incidents?limit=100${all ? "&database=*" : ""}`, { every: 30_000 });
  const rows = answer.data?.incidents ?? [];
  // Of all databases, none is this page's own: the links name each.
  const columns = columnsOf(all ? null : rows[0]?.database);
  return html`
    <${PageHead} title="Incidents"
      aside="recorded from ten minutes before a critical alert to three after" />
    ${(several || all) &&
      html`
        <div class="filters">
          <${Segments} label="Databases" value=${all ? "*" : ""} options=${[[
            "",
            databaseName ??
              "This database",
          ], ["*", "All databases"]]} onChange=${setDatabase} />
        </div>
      `}
    ${answer.data?.complete === false &&
      html`<${Note}>A database did not answer: its earlier incidents are missing.<//>`}
    <${Panel} title="Recorded">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${all ? [databaseColumn, ...columns] : columns} rows=${rows} keyOf=${(
          row,
        ) => row.id} label="Incidents"
          empty="No critical alert has been recorded." />
        <//>
        <//>
  `;
}
