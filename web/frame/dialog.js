// A modal dialog that also closes by a click outside it.
import { html, useEffect, useRef } from "../lib/view.js";

export function Dialog({ label, close, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const node = dialog.current;
    node.showModal();
    return () => node.close();
  }, []);
  const outside = (event) => event.target === dialog.current && close();
  return html`
    <dialog ref=${dialog} aria-label=${label} onClose=${close} onCancel=${close}
      onClick=${outside}>${children}</dialog>
  `;
}
