// The indexes, those with a problem first, and the statements that cure them.
import { bytes, compact } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Segments } from "../parts/controls.js";
import { Icon } from "../parts/icon.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

export function Indexes() {
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
