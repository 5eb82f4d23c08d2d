// Ages that move.
import { serverNow } from "../lib/clock.js";
import { ago, dateTime } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/view.js";

/** Renders again each second while the tab is visible, for ages that move. */
export function useSeconds(every = 1_000) {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || set((count) => count + 1), every);
    return () => clearInterval(timer);
  }, [every]);
  return serverNow();
}

/** "12 s ago", which moves; the moment itself on hover. */
export function Age({ at, none = "never" }) {
  useSeconds();
  const ms = typeof at === "number" ? at : Date.parse(at ?? "");
  if (!Number.isFinite(ms)) return html`<span class="faint">${none}</span>`;
  return html`<time datetime=${new Date(ms).toISOString()} title=${`${dateTime(ms)} UTC`}>${
    ago(Math.max(0, serverNow() - ms))
  }</time>`;
}
