// Tables, growth, vacuum and freeze, indexes with advice, sequences.
import { atMost } from "../health/verdict.js";
import { bytes, compact, duration, number, percent } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { MetricRows, useMetrics } from "../metrics/rows.js";
import { toneFor } from "../metrics/units.js";
import { Age } from "../parts/age.js";
import { Segments } from "../parts/controls.js";
import { Icon, Meter } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";

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

function Tables({ metrics }) {
  const [which, setWhich] = useParam("tables", "yours");
  const all = tablesOf(metrics);
  const rows = all.filter(({ table }) => which === "all" || !table.startsWith("holdfast."));
  const level = (name) => (row) => {
    const tone = atMost(toneFor(metrics.rule(name), row[name] ?? null), app.get());
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
        html`<a href=${`/history?metric=table_heap_bytes@${row.table},table_dead_rows@${row.table},autovacuum_lag@${row.table}`}>${row.table}</a>`,
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

function Indexes() {
  const answer = useApi("/api/indexes", { every: 300_000, deadline: 20_000 });
  const [which, setWhich] = useParam("indexes", "advice");
  const { data } = answer;
  const all = data?.indexes ?? [];
  const faulty = all.filter(({ problems }) => problems.length > 0);
  const rows = which === "all" ? all : faulty;
  const columns = [
    { key: "index", head: "Index", value: (row) => row.name },
    { key: "table", head: "Table", value: (row) => row.table },
    { key: "method", head: "Method", value: (row) => row.method },
    {
      key: "size",
      head: "Size",
      num: true,
      value: (row) => row.bytes,
      show: (row) => bytes(row.bytes),
    },
    {
      key: "scans",
      head: "Scans",
      num: true,
      value: (row) => row.scans,
      show: (row) => compact(row.scans),
    },
    {
      key: "problems",
      head: "Problem",
      value: (row) => row.problems.join(", "),
      show: (row) =>
        row.problems.length > 0
          ? html`<${Icon} word="warn" size=${14} /> ${row.problems.join(", ")}${
            row.duplicate_of
              ? ` of ${row.duplicate_of}`
              : row.covered_by
              ? ` by ${row.covered_by}`
              : ""
          }`
          : html`<span class="faint">${row.unused ? "no scan yet" : "none"}</span>`,
    },
  ];
  const cures = [
    ...faulty.map(({ name, cure }) => ({ about: name, cure })),
    ...(data?.missing ?? []).map(({ table, columns: names, reason, cure }) => ({
      about: `${table} (${names.join(", ")}): ${reason}`,
      cure,
    })),
  ].filter(({ cure }) => cure);
  return html`<${Panel} title="Indexes" id="indexes" aside=${html`${all.length} indexes, ${faulty.length} with a problem, read <${Age} at=${data?.checked_at} />`} tools=${html`<${Segments} label="Which indexes" value=${which} options=${[
    ["advice", "With a problem"],
    ["all", "All"],
  ]} onChange=${setWhich} />`}>
    <${Trouble} of=${answer} />
    ${
    data && data.status !== "known" &&
    html`<${Note}>Indexes are not known in full: ${data.detail || "not read yet"}.<//>`
  }
    <${Await} of=${answer}><${Table} columns=${columns} rows=${rows} keyOf=${(row) =>
    `${row.table} ${row.name}`} name="index" sort="size" label="Indexes" empty=${
    data?.status === "known" ? "No index has a problem." : "Not known."
  } /><//>
    ${
    cures.length > 0 &&
    html`<details><summary>${cures.length} statements to run</summary>${
      cures.slice(0, 50).map(({ about, cure }) =>
        html`
          <h3 class="sub">${about}</h3>
          <${Sql} ...${cure} />
        `
      )
    }</details>`
  }
  <//>`;
}

function Sequences({ metrics }) {
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
      <${Table} columns=${columns} rows=${rows} keyOf=${(row) =>
        row.scope} name="sequence" sort="used"
        label="Sequences" empty="No sequence was read." />
      <//>
  `;
}

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
