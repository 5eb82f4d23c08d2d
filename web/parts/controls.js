// Controls: a choice, a field, a button that asks once more, and who may use them.
import { useStore } from "../lib/store.js";
import { html, useEffect, useState } from "../lib/view.js";
import { app } from "../state.js";

/** One of a few choices, as buttons. */
export function Segments({ label, value, options, onChange }) {
  return html`<div class="segments" role="group" aria-label=${label}>
    ${
    options.map(([key, text]) =>
      html`<button type="button" aria-pressed=${String(key === value)} onClick=${() =>
        onChange(key)}>${text}</button>`
    )
  }
  </div>`;
}

/** A labelled input; `hint` explains it. */
export function Field({ label, hint, children, wide = false }) {
  return html`<label class="field" data-wide=${wide}><span>${label}</span>${children}${
    hint && html`<small>${hint}</small>`
  }</label>`;
}

const SCOPES = ["read", "ingest", "operate", "admin"];

/** Whether the token of this page has the scope `needs`; so it is where no token is required. */
export function useMay(needs) {
  const role = useStore(app, (state) => state.role);
  return role === null || SCOPES.indexOf(role) >= SCOPES.indexOf(needs);
}

/** Buttons for those whose token may do what they do; the server refuses others anyway. */
export const May = ({ needs = "operate", children }) => (useMay(needs) ? children : null);

/**
 * A button that asks once more before it acts: the second press within 6 s does it. The second half of a double click is not
 * one, nor is a key that is held.
 */
export function Sure({ children, sure, onClick, disabled, kind = "small danger" }) {
  const [asked, ask] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => ask(false), 6_000);
    return () => clearTimeout(timer);
  }, [asked]);
  const press = (event) => {
    if (event.detail > 1) return;
    if (asked) onClick();
    ask(!asked);
  };
  return html`
    <button type="button" class=${kind} data-asked=${asked} disabled=${disabled}
      onKeyDown=${(event) => event.repeat && event.key === "Enter" && event.preventDefault()}
      onClick=${press}>${asked ? sure : children}</button>
  `;
}
