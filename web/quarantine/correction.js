// A row put right and tried again.
import { request } from "../lib/api.js";
import { words } from "../lib/format.js";
import { html, useState } from "../lib/view.js";
import { Field } from "../parts/controls.js";
import { Failed, Panel } from "../parts/panel.js";
import { useAction } from "../parts/use_api.js";
import { toast } from "../state.js";

const FIELDS = ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"];

/** What the row was, as far as it can be read. */
function tickOf(row) {
  try {
    const found = JSON.parse(row.raw);
    if (found && typeof found === "object" && !Array.isArray(found)) return found;
  } catch {
    // Of another form: its cells in the usual order.
  }
  const [ts = "", symbol = "", price = "", size = "", exchange = ""] = row.raw.split(",");
  return { ts, symbol: row.symbol ?? symbol, price, size, exchange };
}

export function Correct({ row, close, done }) {
  const [tick, set] = useState(() => tickOf(row));
  const action = useAction();
  const save = (event) => {
    event.preventDefault();
    action.run(async () => {
      const body = Object.fromEntries(
        FIELDS.map((name) => [name, tick[name]]).filter(([, value]) =>
          value !== undefined && value !== "" && value !== null
        ),
      );
      const answer = await request(`/api/quarantine/${row.id}/retry`, {
        method: "POST",
        body: { tick: { ...body, price: Number(body.price), size: Number(body.size) } },
      });
      if (answer.accepted === 0) {
        throw new Error(
          answer.errors?.map(({ path, message }) => `${path} ${message}`).join("; ") ||
            "It was refused again",
        );
      }
      toast("The corrected row is stored", "done");
      done();
      close();
    });
  };
  return html`
    <${Panel} title=${`Put row ${row.id} right`} aside=${`${
      words(row.reason).toLowerCase()
    }: ${row.detail}`} tools=${html`<button type="button" class="small" onClick=${close}>Close</button>`}>
      <form onSubmit=${save}>
        <div class="fields">${FIELDS.map((name) =>
          html`
            <${Field} key=${name}
              label=${name}><input value=${tick[name] ?? ""} onInput=${(event) =>
                set({ ...tick, [name]: event.target.value })} required=${FIELDS.indexOf(name) <
                4} /><//>
          `
        )}</div>
        <${Failed} action=${action} what="Not stored" />
        <div
          class="form-foot"><button class="primary small" disabled=${action
            .busy}>Store the corrected row</button></div>
      </form>
      <//>
  `;
}
