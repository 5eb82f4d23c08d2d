// The sequences: how much is used, and how long they last.
import { duration, percent } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Meter } from "../parts/icon.js";
import { Await, Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";

export function Sequences({ metrics }) {
  const left = new Map(
    metrics.all("sequence_left_seconds").map(({ scope, value }) => [scope, value]),
  );
  const rows = metrics.all("sequence_used_ratio").map(({ scope, value }) => ({
    scope,
    used: value,
    left: left.get(scope) ?? null,
  }));
  const columns = [
    { key: "sequence", head: "Sequence", value: (row) => row.scope },
    {
      key: "used",
      head: "Used",
      num: true,
      value: (row) => row.used,
      show: (row) =>
        html`${percent(row.used, row.used < 0.01 ? 3 : 1)}<${Meter} share=${row.used} />`,
    },
    {
      key: "left",
      head: "Lasts",
      num: true,
      value: (row) => -(row.left ?? Infinity),
      show: (row) =>
        row.left === null ? html`<span class="faint">unknown</span>` : duration(row.left),
    },
  ];
  return html`
    <${Panel} title="Sequences">
      <${Await} of=${metrics.answer}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) =>
          row.scope} name="sequence" sort="used"
          label="Sequences" empty="No sequence was read." />
        <//>
        <//>
  `;
}
