// What an operator does with an alert: acknowledge it, keep it from the channels for an hour, let it speak again.
import { request } from "./api.js";
import { serverNow } from "./clock.js";
import { h, setHidden, setText } from "./dom.js";

const SILENCE_SECONDS = 3_600;

/** Buttons and a line for what went wrong. `current()` is the alert; `changed(alert)` and `again()` as of the card. */
export function createAlertActions({ current, changed, again }) {
  const acknowledge = h("button", { type: "button", class: "small admin" }, "Acknowledge");
  const silence = h("button", { type: "button", class: "small admin" });
  const trouble = h("p", { class: "note", role: "alert", hidden: true });
  silence.title = "Channels are not told; the alert is shown here all the same";

  async function attempt(button, failure, work) {
    button.disabled = true;
    try {
      changed({ ...current(), ...await work(current()) });
      setHidden(trouble, true);
      again();
    } catch (error) {
      setText(trouble, `${failure}: ${error.message}`);
      setHidden(trouble, false);
    }
    button.disabled = false;
  }

  acknowledge.addEventListener(
    "click",
    () =>
      attempt(acknowledge, "Not acknowledged", async ({ id }) => {
        const answer = await request(`/api/alerts/${encodeURIComponent(id)}/acknowledge`, {
          method: "POST",
        });
        return { acknowledged_at: answer?.acknowledged_at ?? new Date(serverNow()).toISOString() };
      }),
  );

  silence.addEventListener(
    "click",
    () =>
      attempt(silence, "Not changed", async ({ rule, scope, silenced_by }) => {
        if (silenced_by) {
          await request(`/api/alerts/silences?id=${encodeURIComponent(silenced_by)}`, {
            method: "DELETE",
          });
          return { silenced_by: null };
        }
        const made = await request("/api/alerts/silences", {
          method: "POST",
          body: {
            rule,
            scope,
            reason: "silenced on the dashboard",
            duration_seconds: SILENCE_SECONDS,
          },
        });
        return { silenced_by: made?.id ?? null };
      }),
  );

  return {
    buttons: [acknowledge, silence],
    trouble,
    update(alert) {
      const over = alert.state === "resolved";
      setHidden(acknowledge, over || Boolean(alert.acknowledged_at));
      setHidden(silence, over || typeof alert.rule !== "string");
      setText(silence, alert.silenced_by ? "End silence" : "Silence for 1 h");
    },
  };
}
