// Text to copy, and statements to run.
import { html, useEffect, useState } from "../lib/view.js";

/** A button that copies `text`, or says how where the browser refuses. */
export function Copy({ text, label = "Copy" }) {
  const [said, say] = useState(null);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(null), 2_500);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
      say("Copied");
    } catch {
      const code = button.closest(".sql")?.querySelector("code");
      if (code) getSelection()?.selectAllChildren(code);
      say(code ? "Selected: press Ctrl+C" : "The browser refuses to copy");
    }
  };
  return html`<button type="button" class="small" onClick=${copy}>${said ?? label}</button>`;
}

const LONG_SQL = 700;

/** A statement with its lock, its risk and a copy button; a long one is cut, says so, and opens. */
export function Sql({ sql, lock, risk, copy = true }) {
  const text = String(sql ?? "");
  const [whole, open] = useState(false);
  const cut = !whole && text.length > LONG_SQL;
  return html`
    <div class="sql">
      <pre tabindex="0" role="group" aria-label="SQL"><code>${cut
        ? `${text.slice(0, LONG_SQL)}…`
        : text}</code></pre>
      <div class="sql-foot">
          ${lock && html`<span class="tag">lock: ${lock}</span>`}
          ${risk && html`<span class="faint">Risk: ${risk}</span>`}
          ${text.length > LONG_SQL &&
            html`<button type="button" class="small" onClick=${() => open(!whole)}>${
              whole ? "Show less" : `Show all ${text.length.toLocaleString("en")} characters`
            }</button>`}
          ${copy && html`<${Copy} text=${text} />`}
        </div>
    </div>
  `;
}
