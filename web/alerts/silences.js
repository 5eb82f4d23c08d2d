// Silences that hold: who made them, for what, until when.
import { request } from "../lib/api.js";
import { serverNow } from "../lib/clock.js";
import { dateTime } from "../lib/format.js";
import { html } from "../lib/view.js";
import { May, Sure } from "../parts/controls.js";
import { Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { askAlerts } from "../state.js";

export function Silences() {
  const answer = useApi("/api/alerts/silences", { every: 30_000 });
  const action = useAction();
  const list = (answer.data?.silences ?? []).filter(({ ends_at }) =>
    Date.parse(ends_at) > serverNow()
  );
  const end = (id) =>
    action.run(async () => {
      await request(`/api/alerts/silences?id=${encodeURIComponent(id)}`, { method: "DELETE" });
      answer.reload();
      askAlerts();
    });
  const columns = [
    { key: "rule", head: "Rule", value: (row) => row.rule ?? "every rule" },
    { key: "scope", head: "Scope", value: (row) => row.scope || "all" },
    { key: "reason", head: "Reason", value: (row) => row.reason, wide: true },
    { key: "by", head: "By", value: (row) => row.created_by },
    { key: "ends", head: "Until (UTC)", value: (row) => dateTime(row.ends_at) },
    {
      key: "end",
      head: "",
      show: (row) =>
        html`
          <${May}>
            <${Sure} sure="End it now?" kind="small" onClick=${() => end(row.id)}>End<//><//>
        `,
    },
  ];
  return html`
    <${Panel} title="Silences" aside="channels are not notified; alerts stay visible">
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${list} keyOf=${(row) => row.id} name="silences"
          label="Silences" empty="No silence is active." />
        <//>
        <//>
  `;
}
