// Small parts that every page uses.
import { ago, clock, dateTime } from "../lib/format.js";
import { serverNow } from "../lib/clock.js";
import { app } from "../state.js";
import { useStore } from "../lib/store.js";
import { html, useEffect, useState } from "../lib/view.js";

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

/** A panel with its heading; `aside` is beside the heading, `tools` at the right. */
export function Panel({ title, aside, tools, id, children, tone }) {
  const label = id ?? `panel-${String(title).toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return html`<section class="panel" data-tone=${tone} aria-labelledby=${label}>
    <div class="panel-head"><h2 id=${label}>${title}</h2>${
    aside && html`<p class="aside">${aside}</p>`
  }${tools && html`<div class="tools">${tools}</div>`}</div>
    ${children}
  </section>`;
}

/** A sentence about trouble; nothing without one. */
export function Note({ tone = "warn", children }) {
  return children
    ? html`<p class="note" data-tone=${tone} role=${
      tone === "bad" ? "alert" : "status"
    }>${children}</p>`
    : null;
}

/** Why an answer is missing or old: Holdfast refuses, is slow, or is silent. Last figures stay below. */
export function Trouble({ of }) {
  const { error, at } = of;
  if (!error) return null;
  const below = at ? ` Shown is what it said at ${clock(at)} UTC.` : "";
  const say = {
    http: `Holdfast ${error.status >= 500 ? "cannot answer" : "refuses"}: ${
      String(error.message).replace(/\.$/, "")
    } (${error.status}).`,
    timeout: `Holdfast is slow to answer this: ${error.message.toLowerCase()}.`,
    network: "No answer from Holdfast.",
  }[error.kind] ?? "This answer could not be read.";
  return html`<${Note} tone=${error.kind === "network" ? "bad" : "warn"}>${say}${below}</${Note}>`;
}

/** How an action went, when it failed. */
export const Failed = ({ action, what = "Not done" }) =>
  action.error
    ? html`<${Note} tone="bad">${what}: ${
      String(action.error.message).replace(/\.$/, "")
    }.</${Note}>`
    : null;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** What an answer shows while it is still asked for, and when it says nothing. */
export function Await({ of, children, lines = 3 }) {
  if (of.data) return children;
  if (of.error) return null;
  return html`<div class="wait" aria-busy="true" aria-label="Loading">${
    Array.from({ length: lines }, () => html`<span />`)
  }</div>`;
}

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

/** Names and values in two columns. */
export const Pairs = ({ of }) =>
  html`<dl class="pairs">${
    of.filter(([, value]) => value !== undefined).map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value ?? "unknown"}</dd>
        </div>
      `
    )
  }</dl>`;

/** A labelled input; `hint` explains it. */
export function Field({ label, hint, children, wide = false }) {
  return html`<label class="field" data-wide=${wide}><span>${label}</span>${children}${
    hint && html`<small>${hint}</small>`
  }</label>`;
}

const SCOPES = ["read", "ingest", "operate", "admin"];

/** Buttons for those whose token may do what they do; the server refuses others anyway. */
export function May({ needs = "operate", children }) {
  const role = useStore(app, (state) => state.role);
  return role === null || SCOPES.indexOf(role) >= SCOPES.indexOf(needs) ? children : null;
}

/** A button that asks once more before it acts: the second press within 6 s does it. */
export function Sure({ children, sure, onClick, disabled, kind = "small danger" }) {
  const [asked, ask] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => ask(false), 6_000);
    return () => clearTimeout(timer);
  }, [asked]);
  const press = () => {
    if (asked) onClick();
    ask(!asked);
  };
  return html`
    <button type="button" class=${kind} data-asked=${asked} disabled=${disabled}
      onClick=${press}>${asked ? sure : children}</button>
  `;
}

/** A bar from 0 to 1. */
export const Meter = ({ share, tone = "info" }) =>
  Number.isFinite(share)
    ? html`<span class="meter" aria-hidden="true"><span class=${`tone-${tone}`} style=${{
      width: `${Math.min(100, Math.max(0, share * 100))}%`,
    }} /></span>`
    : null;
