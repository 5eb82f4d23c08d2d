// Panels, and what they say while an answer is missing, old, empty or refused.
import { serverNow } from "../lib/clock.js";
import { moment } from "../lib/format.js";
import { html } from "../lib/view.js";

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
  const below = at ? ` Shown is what it said at ${moment(at, serverNow())} UTC.` : "";
  const say = {
    http: `Holdfast ${error.status >= 500 ? "cannot answer" : "refuses"}: ${
      String(error.message).replace(/\.$/, "")
    } (${error.status}).`,
    timeout: `Holdfast is slow to answer this: ${error.message.toLowerCase()}.`,
    network: "No answer from Holdfast.",
  }[error.kind] ?? "This answer could not be read.";
  return html`<${Note} tone=${error.kind === "network" ? "bad" : "warn"}>${say}${below}</${Note}>`;
}

/** Says how an action failed. Without an answer nobody knows whether it was done. */
export function failureWords({ kind, message }, what) {
  const why = String(message).replace(/\.$/, "");
  return kind === "timeout" || kind === "network"
    ? `${why}: it may have been done or not. Look before you do it again.`
    : `${what}: ${why}.`;
}

/** How an action went, when it failed. */
export const Failed = ({ action, what = "Not done" }) =>
  action.error ? html`<${Note} tone="bad">${failureWords(action.error, what)}</${Note}>` : null;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** What an answer shows while it is still asked for, and when it says nothing. */
export function Await({ of, children, lines = 3 }) {
  if (of.data) return children;
  if (of.error) return null;
  return html`<div class="wait" aria-busy="true" aria-label="Loading">${
    Array.from({ length: lines }, () => html`<span />`)
  }</div>`;
}

/** What a chart says that has no point to draw. */
export const emptyWords = ({ data, error }) =>
  data ? "no points in this range" : error ? "not known" : "asking";

/** Says whether all of these have been answered or refused: what stands below them is drawn then, so that nothing pushes it down. */
export const areAnswered = (...answers) => answers.every(({ data, error }) => data || error);

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
