// Conversions and drains: plain ones becoming partitioned, default partitions being drained.
import { request } from "../lib/api.js";
import { number, percent } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { May, Sure } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { Failed, Panel, Trouble } from "../parts/panel.js";
import { useAction, useApi } from "../parts/use_api.js";

const OVER = ["finished", "undone", "cancelled", "failed"];

function One({ one, reload }) {
  const action = useAction();
  const act = (name) =>
    action.run(() =>
      request("/api/partitions/convert", {
        method: "POST",
        body: { table: one.table, action: name },
      }).then(reload)
    );
  const over = OVER.includes(one.phase);
  return html`
    <li>
      <p><b>${one.table}</b> <${Badge} word=${one.phase === "failed"
        ? "failed"
        : one.phase === "finished"
        ? "complete"
        : over
        ? "aborted"
        : "running"}>${one.kind}, ${one.phase}<//> <span class="faint">${percent(
          one.progress,
        )} · ${number(one.rows_copied)} rows · updated <${Age} at=${one.updated_at} /></span></p>
        ${!over &&
          html`<progress max="1" value=${one.progress} aria-label=${`Progress of ${one.table}`} />`}
        ${one.waits_for && html`<p class="faint">waits for ${one.waits_for}</p>`}${one.error &&
          html`<p class="tone-bad">${one.error}</p>`}
        ${one.kind === "convert" && html`
          <${May} needs="admin">
            <p class="actions">
                ${one.phase === "swapped" &&
                  html`<${Sure} kind="small" sure="Drop the old table permanently?" onClick=${() =>
                    act("finish")}>Finish<//>`}
                ${one.undoable &&
                  html`<${Sure} sure="Restore the plain table?" onClick=${() =>
                    act("undo")}>Undo<//>`}
                ${!over && one.phase !== "swapped" &&
                  html`<${Sure} sure="Cancel the conversion?" onClick=${() =>
                    act("cancel")}>Cancel<//>`}
              </p>
            <//>
        `}<${Failed} action=${action} />
      </li>
  `;
}

export function Conversions({ table }) {
  const answer = useApi("/api/partitions/conversions", { every: 15_000 });
  const list = (answer.data?.conversions ?? []).filter((one) => !table || one.table === table)
    .slice(0, 20);
  if (list.length === 0) return answer.error ? html`<${Trouble} of=${answer} />` : null;
  return html`
    <${Panel} title="Conversions and drains">
      <${Trouble} of=${answer} />
      <ul class="cards">${list.map((one) =>
        html`<${One} key=${one.id} one=${one} reload=${answer.reload} />`
      )}</ul>
      <//>
  `;
}
