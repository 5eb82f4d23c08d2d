// What an operator does with alerts, one or a group: acknowledge, silence for a while, let speak again.
import { request } from "../lib/api.js";
import { html, useEffect, useRef, useState } from "../lib/view.js";
import { rememberWho, who } from "../lib/who.js";
import { May } from "../parts/controls.js";
import { Failed } from "../parts/panel.js";
import { useAction } from "../parts/use_api.js";
import { askAlerts, takeAlert } from "../state.js";

const LENGTHS = [["3600", "1 h"], ["14400", "4 h"], ["86400", "1 d"], ["604800", "7 d"]];

/** Acknowledges each; one that has ended meanwhile does not keep the others from it. */
async function acknowledgeAll(alerts, by) {
  try {
    for (const { id } of alerts) {
      try {
        takeAlert(
          await request(`/api/alerts/${encodeURIComponent(id)}/acknowledge`, {
            method: "POST",
            body: by ? { by } : {},
          }),
        );
      } catch (error) {
        if (error.status !== 404 || alerts.length === 1) throw error;
      }
    }
  } finally {
    askAlerts();
  }
}

/** Buttons for `alerts`, all of one rule. One alert is silenced in its scope, a group in all. */
export function AlertActions({ alerts }) {
  const action = useAction();
  const [asking, ask] = useState(false);
  const [name, setName] = useState("");
  const field = useRef(null);
  // The button that was pressed has made room for the field.
  useEffect(() => asking && field.current?.focus(), [asking]);
  const open = alerts.filter(({ state }) => state !== "resolved");
  if (open.length === 0) return null;
  const unacknowledged = open.filter(({ state, acknowledged_at }) =>
    state === "firing" && !acknowledged_at
  );
  const silences = [...new Set(open.map(({ silenced_by }) => silenced_by).filter(Boolean))];
  const acknowledge =
    () => (who() ? action.run(() => acknowledgeAll(unacknowledged, who())) : ask(true));
  const submit = (event) => {
    event.preventDefault();
    rememberWho(name.trim());
    ask(false);
    action.run(() => acknowledgeAll(unacknowledged, name.trim()));
  };
  const silence = (seconds) =>
    action.run(async () => {
      const scope = alerts.length === 1 ? alerts[0].scope : null;
      await request("/api/alerts/silences", {
        method: "POST",
        body: {
          rule: alerts[0].rule,
          scope,
          reason: `silenced on the dashboard${who() ? ` by ${who()}` : ""}`,
          duration_seconds: Number(seconds),
        },
      });
      askAlerts();
    });
  const speak = () =>
    action.run(async () => {
      for (const id of silences) {
        await request(`/api/alerts/silences?id=${encodeURIComponent(id)}`, { method: "DELETE" });
      }
      askAlerts();
    });
  const many = unacknowledged.length > 1 ? ` ${unacknowledged.length}` : "";
  return html`
    <${May}>
      <div class="actions">
        ${unacknowledged.length > 0 && !asking && html`
          <button type="button" class="small" disabled=${action.busy}
            onClick=${acknowledge}>Acknowledge${many}</button>
        `}
        ${asking && html`
          <form class="inline" onSubmit=${submit}>
            <label>Your name <input ref=${field} value=${name} onInput=${(event) =>
              setName(
                event.target.value,
              )} maxlength="80" autocomplete="name" placeholder="shown to others" /></label>
            <button type="submit" class="small primary">Acknowledge</button>
          </form>
        `}
        ${silences.length > 0
          ? html`<button type="button" class="small" disabled=${action.busy} onClick=${speak}>End silence</button>`
          : html`
            <select class="small" aria-label="Silence: channels are not notified, the alert stays visible"
              disabled=${action.busy} value="" onChange=${(event) =>
                event.target.value && silence(event.target.value)}>
                      <option value="">${open.length > 1
                        ? "Silence rule…"
                        : "Silence…"}</option>${LENGTHS.map(([seconds, text]) =>
                          html`<option value=${seconds}>for ${text}</option>`
                        )}
                    </select>
          `}
      </div>
      <${Failed} action=${action} />
      <//>
  `;
}
