// Short notices in the corner; read aloud, at most three at a time, gone by themselves.
import { byId, h } from "./dom.js";
import { words } from "./format.js";
import { icon, toneOf } from "./icons.js";

const MOST = 3;
const SHOWN_MS = 9_000;

/** Shows `text` under the severity `word` ("critical", "warning", "resolved", "info"). */
export function toast(text, word) {
  const box = byId("toasts");
  const close = h("button", { type: "button", class: "quiet small", "aria-label": "Dismiss" }, "×");
  const node = h(
    "div",
    { class: "toast", "data-tone": toneOf(word) },
    icon(word, 18),
    h("p", {}, h("b", {}, `${words(word)}:`), ` ${text}`),
    close,
  );
  close.addEventListener("click", () => node.remove());
  box.append(node);
  while (box.childElementCount > MOST) box.firstElementChild.remove();
  const leave = () =>
    node.matches(":hover, :focus-within") ? setTimeout(leave, 2_000) : node.remove();
  setTimeout(leave, SHOWN_MS);
}
