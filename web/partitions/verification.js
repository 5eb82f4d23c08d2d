// Proof that sealed partitions are what was sealed.
import { request } from "../lib/api.js";
import { number } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { May } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { Await, Failed, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";

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
    !last
      ? answer.error?.status === 404
        ? html`<p class="empty">Nothing was verified since Holdfast started.</p>`
        : html`<${Await} of=${answer} />`
      : last.table !== null && last.table !== table
      ? html`
        <p
          class="empty">The last verification was of <a href=${`/partitions/${
            encodeURIComponent(last.table)
          }`}>${last.table}</a>, and says nothing of this table.</p>
      `
      : html`
        <p><${Badge} word=${last.status} /> <span class="faint">${last.table === null
          ? "of all tables: "
          : ""}${last.checked} checked, ${last
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
