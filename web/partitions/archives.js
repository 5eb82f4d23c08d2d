// Archived partitions, which can be restored and attached again.
import { request } from "../lib/api.js";
import { bytes, dateTime, number } from "../lib/format.js";
import { html } from "../lib/view.js";
import { May, Sure } from "../parts/controls.js";
import { Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { toast } from "../state.js";

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
        "done",
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
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.file} name="archive"
          label="Archives" empty="No partition of this table was archived." />
        <//>
        <//>
  `;
}
