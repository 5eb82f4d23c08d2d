// Text from elsewhere that may be long.
import { html, useState } from "../lib/view.js";

const CUT = 160;

/** Text that is cut where it is long, says so, and opens. */
export function Cut({ text, most = CUT, code = false }) {
  const [whole, open] = useState(false);
  const long = text.length > most;
  const shown = long && !whole ? `${text.slice(0, most)}…` : text;
  return html`<span class="cut">${code ? html`<code>${shown}</code>` : shown}${
    long && html`
      <button type="button" class="link" onClick=${() => open(!whole)}>${whole
        ? "less"
        : `all ${text.length.toLocaleString("en")} characters`}</button>
    `
  }</span>`;
}
