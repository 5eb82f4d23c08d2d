// The keys of the page, and the dialog that lists them.
import { follow } from "../lib/router.js";
import { html } from "../lib/view.js";
import { listed } from "../routes.js";
import { Dialog } from "./dialog.js";

const KEYS = [
  ["Ctrl K", "go anywhere by name"],
  ["/", "the same"],
  ["?", "these keys"],
  ["p", "pause or continue"],
  ["t", "light, dark or the system's theme"],
  ["Esc", "close"],
];

export function Help({ close }) {
  return html`
    <${Dialog} label="Keys" close=${close}>
      <h2>Keys</h2>
      <dl class="keys">${KEYS.map(([key, what]) =>
        html`
          <div>
            <dt><kbd>${key}</kbd></dt>
            <dd>${what}</dd>
          </div>
        `
      )}
          ${listed.map(({ key, title }) =>
            html`
              <div>
                <dt><kbd>g</kbd> <kbd>${key}</kbd></dt>
                <dd>${title}</dd>
              </div>
            `
          )}</dl>
      <p
        class="faint">Times are UTC. Drag over a chart to zoom. The address contains the view, so a copied link shows it too.</p>
      <form method="dialog"><button class="small">Close</button></form>
      <//>
  `;
}

/** Handles the keys of the page: `open(name)` shows a dialog, `act` maps single keys to actions. */
export function startKeys(open, act) {
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element &&
      event.target.closest("input, textarea, select, dialog, [contenteditable]");
    if (typing) return;
    if (Date.now() - leader < 1_500) {
      leader = 0;
      const page = listed.find(({ key }) => key === event.key);
      if (page) {
        event.preventDefault();
        follow(page.path);
      }
      return;
    }
    if (event.key === "g") leader = Date.now();
    else if (event.key === "?") open("help");
    else if (event.key === "/") {
      event.preventDefault();
      open("palette");
    } else act[event.key]?.();
  });
}
