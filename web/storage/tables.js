// The tables: size, growth, and how due vacuum, analyze and freeze are.
import { useAtMost } from "../health/limit.js";
import { bytes, compact, number } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html } from "../lib/view.js";
import { toneFor } from "../metrics/units.js";
import { Segments } from "../parts/controls.js";
import { Icon } from "../parts/icon.js";
import { Await, Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";

const OF_TABLES = [
  "table_heap_bytes",
  "table_growth_bytes_per_day",
  "table_dead_rows",
  "autovacuum_lag",
  "analyze_lag",
  "freeze_lag",
];

function tablesOf(metrics) {
  const tables = new Map();
  for (const name of OF_TABLES) {
    for (const { scope, value } of metrics.all(name)) {
      tables.set(scope, { ...(tables.get(scope) ?? { table: scope }), [name]: value });
    }
  }
  return [...tables.values()];
}

export function Tables({ metrics }) {
  const [which, setWhich] = useParam("tables", "yours");
  const atMost = useAtMost();
  const all = tablesOf(metrics);
  const rows = all.filter(({ table }) => which === "all" || !table.startsWith("holdfast."));
  const level = (name) => (row) => {
    const tone = atMost(toneFor(metrics.rule(name), row[name] ?? null));
    return html`${
      ["warn", "bad"].includes(tone) && html`
        <${Icon} word=${tone} size=${14} />
      `
    }${
      typeof row[name] === "number"
        ? `${number(row[name])}×`
        : html`<span class="faint">unknown</span>`
    }`;
  };
  const columns = [
    {
      key: "table",
      head: "Table",
      value: (row) => row.table,
      show: (row) =>
        html`<a href=${`/history?metric=${
          ["table_heap_bytes", "table_dead_rows", "autovacuum_lag"].map((name) =>
            `${name}@${encodeURIComponent(row.table)}`
          )
        }`}>${row.table}</a>`,
    },
    {
      key: "heap",
      head: "Heap",
      num: true,
      value: (row) => row.table_heap_bytes,
      show: (row) => bytes(row.table_heap_bytes),
    },
    {
      key: "growth",
      head: "Growth",
      num: true,
      value: (row) => row.table_growth_bytes_per_day,
      show: (row) =>
        typeof row.table_growth_bytes_per_day === "number"
          ? `${bytes(row.table_growth_bytes_per_day)}/day`
          : html`<span class="faint">unknown</span>`,
    },
    {
      key: "dead",
      head: "Dead rows",
      num: true,
      value: (row) => row.table_dead_rows,
      show: (row) => compact(row.table_dead_rows),
    },
    {
      key: "vacuum",
      head: "Vacuum due",
      num: true,
      value: (row) => row.autovacuum_lag,
      show: level("autovacuum_lag"),
    },
    {
      key: "analyze",
      head: "Analyze due",
      num: true,
      value: (row) => row.analyze_lag,
      show: level("analyze_lag"),
    },
    {
      key: "freeze",
      head: "Freeze due",
      num: true,
      value: (row) => row.freeze_lag,
      show: level("freeze_lag"),
    },
  ];
  return html`
    <${Panel} title="Tables"
      aside="due: multiple of the threshold that starts autovacuum; partitions count with their table"
      tools=${html`<${Segments} label="Which tables" value=${which} options=${[["yours", "Yours"], [
        "all",
        "With Holdfast's",
      ]]} onChange=${setWhich} />`}>
      <${Await} of=${metrics.answer}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.table} name="by" sort="heap"
          label="Tables" />
        <//>
        <//>
  `;
}
