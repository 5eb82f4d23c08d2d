// A status as a tone, an icon, a badge or a bar.
import { html } from "../lib/view.js";

const ROUND = "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z";

const SHAPES = {
  good: [ROUND, "M7.5 12.4l3 3 6-6.6"],
  warn: ["M12 3.2 22 20.5H2Z", "M12 9.5v5M12 17.3v.4"],
  bad: ["M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8Z", "M8.7 8.7l6.6 6.6M15.3 8.7l-6.6 6.6"],
  unknown: [ROUND, "M9.2 9.4a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9M12 16.9v.4"],
  info: [ROUND, "M12 11v5.5M12 7.4v.4"],
};

const TONE_OF = {
  good: "good",
  healthy: "good",
  pass: "good",
  resolved: "good",
  done: "good",
  complete: "good",
  intact: "good",
  passed: "good",
  delivered: "good",
  completed: "good",
  warn: "warn",
  degraded: "warn",
  warning: "warn",
  inconclusive: "warn",
  running: "info",
  queued: "info",
  open: "warn",
  bad: "bad",
  unhealthy: "bad",
  critical: "bad",
  fail: "bad",
  failed: "bad",
  corrupt: "bad",
  changed: "bad",
  dead: "bad",
  unreadable: "bad",
  info: "info",
  plain: "info",
  aborted: "unknown",
};

/** The tone (`good`, `warn`, `bad`, `unknown`, `info`) a status word is painted in. */
export const toneOf = (word) => TONE_OF[word] ?? "unknown";

/** A decorative icon for a status word; the word itself must stand beside it. */
export function Icon({ word, size = 16 }) {
  const tone = toneOf(word);
  return html`<svg class=${`icon tone-${tone}`} viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true">
    ${
    SHAPES[tone].map((shape, at) =>
      html`<path d=${shape} stroke-dasharray=${
        tone === "unknown" && at === 0 ? "3.2 2.4" : null
      } />`
    )
  }
  </svg>`;
}

/** A status word with its icon. */
export const Badge = ({ word, children }) =>
  html`<span class=${`badge tone-${toneOf(word)}`}><${Icon} word=${word} />${
    children ?? word
  }</span>`;

/** A bar from 0 to 1. */
export const Meter = ({ share, tone = "info" }) =>
  Number.isFinite(share)
    ? html`<span class="meter" aria-hidden="true"><span class=${`tone-${tone}`} style=${{
      width: `${Math.min(100, Math.max(0, share * 100))}%`,
    }} /></span>`
    : null;
