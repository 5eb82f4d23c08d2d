// One table: timeline, policy, plan and apply, proof, archives, what was done.
import { useAtMost } from "../health/limit.js";
import { bytes, compact, dateTime, milliseconds } from "../lib/format.js";
import { html, useMemo, useState } from "../lib/view.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { areAnswered, Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { Archives } from "./archives.js";
import { Conversions } from "./conversions.js";
import { layOut } from "./model.js";
import { PartitionPlan } from "./plan.js";
import { PolicyEditor } from "./policy_editor.js";
import { Legend, PartitionTimeline } from "./timeline.js";
import { Verification } from "./verification.js";
import { holeWords, problemWords, rangeWords, runwayWords, tableFacts } from "./words.js";

function Log({ table, soon }) {
  const answer = useApi(`/api/partitions/log?table=${encodeURIComponent(table)}&limit=50`, {
    every: 60_000,
    soon,
  });
  const columns = [
    {
      key: "at",
      head: "When (UTC)",
      value: (row) => -Date.parse(row.at),
      show: (row) => dateTime(row.at),
    },
    {
      key: "action",
      head: "Action",
      value: (row) => row.action,
      show: (row) =>
        html`${
          row.error && html`
            <${Icon} word="bad" size=${14} />
          `
        }${row.action}`,
    },
    { key: "partition", head: "Partition", value: (row) => row.partition },
    {
      key: "reason",
      head: "Reason",
      value: (row) => row.reason,
      wide: true,
      show: (row) =>
        html`${row.reason}${row.error && html`<br /><span class="tone-bad">${row.error}</span>`}${
          row.sql && html`
            <details>
              <summary>statement</summary>
              <${Sql} sql=${row.sql} />
            </details>
          `
        }`,
    },
    {
      key: "took",
      head: "Took",
      num: true,
      value: (row) => row.duration_ms,
      show: (row) => milliseconds(row.duration_ms),
    },
  ];
  return html`
    <${Panel} title="What was done" aside="newest first">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.entries ?? []} keyOf=${(row) =>
          row.id} name="log" label="Log"
          empty="Nothing was done to this table yet." />
        <//>
        <//>
  `;
}

const leafColumns = (isTime) => [
  { key: "name", head: "Partition", value: (row) => row.name },
  { key: "state", head: "State", value: (row) => row.state },
  {
    key: "range",
    head: "Range",
    value: (row) => row.from,
    show: (row) => rangeWords(row, isTime),
  },
  {
    key: "rows",
    head: "Rows, about",
    num: true,
    value: (row) => row.rows,
    show: (row) => compact(row.rows),
  },
  {
    key: "size",
    head: "Size",
    num: true,
    value: (row) => row.bytes,
    show: (row) => bytes(row.bytes),
  },
];

export function Page({ params }) {
  const name = params.table;
  const answer = useApi("/api/health/partitions", { every: 30_000, also: [503], deadline: 15_000 });
  const policy = useApi(`/api/partitions/policies/${encodeURIComponent(name)}`);
  const rules = useApi("/api/alerts/rules", { every: 300_000 }).data?.rules ?? [];
  const table = (answer.data?.tables ?? []).find((one) => one.table === name);
  const [due, plan] = useState(0);
  const atMost = useAtMost();
  const model = useMemo(() => layOut(table ?? {}), [answer.data, name]);
  const reload = () => {
    answer.reload();
    policy.reload();
  };
  const [tone, text] = runwayWords(
    table?.runway_seconds,
    rules.find((rule) => rule.name === "partition_runway"),
  );
  const leaves = model.slots.filter(({ kind }) => kind === "leaf").reverse();
  const problems = table
    ? [...(table.problems ?? []).map(problemWords), ...holeWords(table, model)]
    : [];
  const none = policy.error?.status === 404;
  return html`
    <${PageHead} title=${name} aside=${table
      ? html`<${Icon} word=${atMost(tone)} /> ${text}`
      : ""} tools=${html`<${Legend} models=${[model]} /><a href="/partitions">All tables</a>`} />
        <${Trouble} of=${answer} />${!none && html`<${Trouble} of=${policy} />`}
        ${problems.length > 0 && html`<${Note}>${problems.join("; ")}<//>`}
        ${table &&
          html`<${Panel} title="Timeline" aside=${
            tableFacts(table)
          }><${PartitionTimeline} name=${name} model=${model} />
      ${
            (table.recommendations ?? []).map((one) =>
              html`<${Note} key=${one.title} tone="info">${one.title}: ${one.detail}<//>`
            )
          }<//>`}
        <${Await} of=${answer} lines=${6} />
        ${areAnswered(answer, policy) && html`
              <${Conversions} table=${name} />
              ${(policy.data || none) &&
                html`<${PolicyEditor} key=${none ? "new" : "known"} table=${name} policy=${
                  none ? null : policy.data
                } saved=${(policy) => {
                  reload();
                  if (policy) plan(due + 1);
                }} />`}
              <${PartitionPlan} table=${name} applied=${reload} due=${due} />
              <div class="columns two">
            <${Verification} table=${name} />
            <${Archives} table=${name} />
          </div>
              ${leaves.length > 0 && html`
                <${Panel} title="Partitions" aside=${`${leaves.length}, newest first`}>
                  <${Table} columns=${leafColumns(model.isTime)} rows=${leaves} keyOf=${(row) =>
                    row.name} name="leaves"
                    label="Partitions" />
                  <//>
              `}
              <${Log} table=${name} soon=${answer.at} />
        `}
  `;
}
