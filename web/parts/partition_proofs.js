// Proof that sealed partitions are what was sealed, and archives that can be brought back.
import { request } from "../lib/api.js";
import { bytes, dateTime, number } from "../lib/format.js";
import { useAction, useApi } from "../lib/use_api.js";
import { toast } from "../state.js";
import { html } from "../lib/view.js";
import { Table } from "./table.js";
import { Age, Badge, Failed, May, Note, Panel, Sure, Trouble } from "./ui.js";

export function Verification({ table }) {
  const answer = useApi("/api/partitions/verify", { every: 5_000 });
  const action = useAction();
  const last = answer.error?.status === 404 ? null : answer.data;
  const start = () =>
    action.run(() =>
      request("/api/partitions/verify", { method: "POST", body: { table }, deadline: 30_000 }).then(
        () => answer.reload(),
      )
    );
  const mine = (last?.partitions ?? []).filter((one) => one.table === table);
  const columns = [
    { key: "partition", head: "Partition", value: (row) => row.partition },
    {
      key: "status",
      head: "Result",
      value: (row) => row.status,
      show: (row) => html`<${Badge} word=${row.status} />`,
    },
    {
      key: "rows",
      head: "Rows",
      num: true,
      value: (row) => row.rows,
      show: (row) => row.rows === null ? "" : `${number(row.rows)} of ${number(row.expected_rows)}`,
    },
    {
      key: "what",
      head: "What differs",
      wide: true,
      value: (row) => row.problems.join("; "),
      show: (row) =>
        [
          ...row.problems,
          ...row.differences.map((one) =>
            `${one.kind} ${one.from ? `from ${one.from} to ${one.to}` : ""}`
          ),
        ].join("; "),
    },
  ];
  return html`<${Panel} title="Proof" aside="sealed partitions, hashed again" tools=${html`<${May}><button type="button" class="small" disabled=${
    action.busy || last?.status === "running"
  } onClick=${start}>Verify now</button><//>`}>
    ${
    answer.error?.status !== 404 && html`<${Trouble} of=${answer} />`
  }<${Failed} action=${action} />
    ${
    !last ? html`<p class="empty">Nothing was verified since Holdfast started.</p>` : html`
      <p><${Badge} word=${last.status} /> <span class="faint">${last.checked} checked, ${last
        .differing} differ, started <${Age} at=${last.started_at} /></span></p>
      ${last.status === "running" &&
        html`<progress max=${
          Math.max(1, last.progress.blocks)
        } value=${last.progress.blocks_done} aria-label="Progress of the verification" />`}
      ${last.error && html`<${Note} tone="bad">${last.error}<//>`}
      ${mine.length > 0 && html`
        <${Table} columns=${columns} rows=${mine} keyOf=${(row) => row.partition} name="proof"
          label="Verified partitions" />
      `}
    `
  }
  <//>`;
}

export function Archives({ table }) {
  const answer = useApi(`/api/partitions/archives?table=${encodeURIComponent(table)}`, {
    every: 60_000,
  });
  const action = useAction();
  const restore = (row) =>
    action.run(async () => {
      const done = await request("/api/partitions/restore", {
        method: "POST",
        body: { table, partition: row.partition },
        deadline: 120_000,
      });
      toast(
        `${done.partition} is back with ${number(done.rows)} rows, held until ${
          dateTime(done.held_until)
        }`,
        "resolved",
      );
      answer.reload();
    });
  const rows = answer.data?.archives ?? [];
  const columns = [
    { key: "partition", head: "Partition", value: (row) => row.partition },
    {
      key: "at",
      head: "Archived (UTC)",
      value: (row) => row.archived_at,
      show: (row) => dateTime(row.archived_at),
    },
    {
      key: "rows",
      head: "Rows",
      num: true,
      value: (row) => row.rows,
      show: (row) => number(row.rows),
    },
    {
      key: "bytes",
      head: "File",
      num: true,
      value: (row) => row.bytes,
      show: (row) => bytes(row.bytes),
    },
    {
      key: "state",
      head: "State",
      value: (row) => row.restored_at ? "restored" : row.dropped ? "dropped" : "still there",
    },
    {
      key: "act",
      head: "",
      show: (row) =>
        row.dropped && !row.restored_at
          ? html`
            <${May}>
              <${Sure} kind="small" disabled=${action.busy} sure="Restore and attach it?"
                onClick=${() => restore(row)}>Restore<//><//>
          `
          : "",
    },
  ];
  return html`
    <${Panel} title="Archives">
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.file} name="archive"
        label="Archives" empty="No partition of this table was archived." />
      <//>
  `;
}
