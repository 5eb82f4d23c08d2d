// What the overview says of an outage, on every other page too.
import { atMost, everyVerdict } from "../health/verdict.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { useSeconds } from "../parts/age.js";
import { Note } from "../parts/panel.js";
import { app } from "../state.js";

/** Says why what is shown may be out of date; null while it is not, before the first answer and after a sleep. */
export function outageWords(state) {
  const { why, isBeginning } = everyVerdict(state);
  return isBeginning || atMost("good", state) === "good"
    ? null
    : `${why} What is shown is as last known.`;
}

export function Outage() {
  useSeconds(5_000);
  return html`<${Note}>${useStore(app, (state) => outageWords(state))}<//>`;
}
