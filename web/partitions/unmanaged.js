// Tables partitioned by range without a policy: when their last partition ends.
import { useAtMost } from "../health/limit.js";
import { compact, dateTime } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Icon } from "../parts/icon.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { unmanagedWords } from "./words.js";

const columnsFor = (rule, atMost) => [
  {
    key: "table",
    head: "Table",
    value: (row) => row.table,
    show: (row) => html`<a href=${`/partitions/${encodeURIComponent(row.table)}`}>${row.table}</a>`,
  },
  {
    key: "state",
    head: "State",
    wide: true,
    show: (row) => {
      const [tone, text] = unmanagedWords(row, rule);
      return html`<${Icon} word=${atMost(tone)} size=${14} /> ${text}`;
    },
  },
  {
    key: "ends",
    head: "Last partition ends",
    value: (row) => Date.parse(row.ends_at ?? ""),
    show: (row) => row.ends_at ? `${dateTime(Date.parse(row.ends_at))} UTC` : "unknown",
  },
  {
    key: "rows",
    head: "Rows a second",
    num: true,
    value: (row) => row.inserts_per_second,
    show: (row) =>
      typeof row.inserts_per_second === "number" ? compact(row.inserts_per_second) : "unknown",
  },
  {
    key: "by",
    head: "Managed by",
    value: (row) => row.managed_by ?? "",
    show: (row) => row.managed_by ?? "nobody known",
  },
];

/** The tables that nobody rotates here; nothing where there are none. */
export function Unmanaged({ tables, rule }) {
  const atMost = useAtMost();
  if (tables === null) {
    return html`
      <p class="faint">Whether there are other tables partitioned by range is not known yet.</p>
    `;
  }
  if (!tables || tables.length === 0) return null;
  return html`
    <${Panel} title="Tables without a policy"
      aside="partitioned by range, without a default partition; Holdfast watches their end and creates no partitions">
      <${Table} columns=${columnsFor(rule, atMost)} rows=${tables} keyOf=${(row) =>
        row.table} name="unmanaged"
        label="Tables without a policy" />
      <//>
  `;
}
