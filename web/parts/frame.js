// The frame around every page: rail or bottom bar, the verdict in the head, the range, Live or Paused.
import { everyVerdict } from "../lib/verdict.js";
import { request, signIn } from "../lib/api.js";
import { RANGES, readRange } from "../lib/time_range.js";
import { setQuery, useAddress } from "../lib/router.js";
import { serverNow } from "../lib/clock.js";
import { dateTime, duration } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { app, askAlerts, askDatabase, askHealth } from "../state.js";
import { BOTTOM, listed } from "../routes.js";
import { html, useEffect, useState } from "../lib/view.js";
import { Age, Icon, toneOf, useSeconds } from "./ui.js";

const glyph = (path) =>
  html`
    <svg class="glyph" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d=${path} />
    </svg>
  `;
const isHere = (page, path) =>
  page.path === path || (page.path !== "/" && path.startsWith(`${page.path}/`));

function AlertCount() {
  const text = useStore(app, ({ alerts }) => {
    const firing = alerts.filter(({ state }) => state === "firing");
    const worst = firing.some(({ severity }) => severity === "critical") ? "critical" : "warning";
    return firing.length === 0 ? "" : `${firing.length} ${worst}`;
  });
  if (!text) return null;
  const [count, severity] = text.split(" ");
  return html`<span class="count" data-severity=${severity} aria-label=${`${count} firing`}>${count}</span>`;
}

const Item = ({ page, path }) =>
  html`<a href=${page.path} aria-current=${isHere(page, path) ? "page" : null}>${
    glyph(page.icon)
  }<span>${page.title}</span>${page.path === "/alerts" && html`<${AlertCount} />`}</a>`;

const Brand = () =>
  html`
    <a class="brand"
      href="/"><svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect width="32" height="32" rx="8" /><path d="M9 7v18M23 7v18M9 16h14" /></svg>Holdfast</a>
  `;

export function Rail({ path }) {
  const groups = [...new Set(listed.map(({ group }) => group))];
  return html`<nav class="rail" aria-label="Pages"><${Brand} />
    ${
    groups.map((group) =>
      html`<div class="rail-group"><p>${group}</p>${
        listed.filter((page) => page.group === group).map((page) =>
          html`<${Item} key=${page.path} page=${page} path=${path} />`
        )
      }</div>`
    )
  }
    <div class="rail-group"><a href="/docs"><svg class="glyph" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M8 6l-5 6 5 6M16 6l5 6-5 6" /></svg><span>API reference</span></a></div>
  </nav>`;
}

export function BottomBar({ path, onMore }) {
  return html`<nav class="bottom" aria-label="Pages">
    ${
    BOTTOM.map((wanted) => listed.find((page) => page.path === wanted)).map((page) =>
      html`<${Item} key=${page.path} page=${page} path=${path} />`
    )
  }
    <button type="button" onClick=${onMore}>${
    glyph("M5 12h.01M12 12h.01M19 12h.01")
  }<span>More</span></button>
  </nav>`;
}

/** The verdict in one chip, on every page: a word, and how old that knowledge is. */
function Chip() {
  useSeconds();
  const { word, silent } = everyVerdict(app.get());
  const { measuredAt } = app.get();
  const { phase } = app.get().live;
  return html`
    <a class="chip" data-tone=${toneOf(word)}
      href="/"><${Icon} word=${word} size=${18} /><b>${word}</b>
        <span class="faint">${silent
          ? "no answer"
          : html`<${Age} at=${measuredAt} none="not measured" />`}</span>
        <span class="dot" data-phase=${phase} title=${`live channel: ${phase}`} /></a>
  `;
}

function RangePicker() {
  const { query } = useAddress();
  const range = readRange(query, serverNow());
  const pick = (name) =>
    setQuery({ range: name === "1h" ? null : name, from: null, to: null }, { push: true });
  return html`<label class="range"><span class="sr-only">Time range</span>
    <select value=${range.fixed ? "fixed" : range.name} onChange=${(event) =>
    pick(event.target.value)}>
      ${
    range.fixed &&
    html`<option value="fixed">${dateTime(range.from).slice(0, -3)} + ${
      duration(range.seconds)
    }</option>`
  }
      ${
    Object.entries(RANGES).map(([name, [text]]) =>
      html`<option value=${name}>last ${text}</option>`
    )
  }
    </select></label>`;
}

/** Whether pages follow the present; a pause keeps what is on the screen. */
export function togglePause() {
  const paused = !app.get().paused;
  app.set({ paused });
  if (!paused) {
    askHealth();
    askDatabase();
    askAlerts();
  }
}

function Theme() {
  const read = () => document.documentElement.dataset.theme ?? "auto";
  const [theme, set] = useState(read());
  useEffect(() => {
    const changed = () => set(read());
    document.addEventListener("themechange", changed);
    return () => document.removeEventListener("themechange", changed);
  }, []);
  return html`<button type="button" class="quiet small wide-only" onClick=${() =>
    document.dispatchEvent(new Event("themenext"))}>Theme: ${theme}</button>`;
}

function SignOut({ channel }) {
  const [busy, set] = useState(false);
  const leave = async () => {
    set(true);
    try {
      await request("/api/session", { method: "DELETE", login: false });
      channel.close();
      signIn();
    } catch {
      set(false); // no answer: still signed in
    }
  };
  return html`<button type="button" class="quiet small" disabled=${busy} onClick=${leave}>Sign out</button>`;
}

export function Head({ channel, openPalette, openHelp }) {
  const paused = useStore(app, (state) => state.paused);
  const signedIn = useStore(app, (state) => state.signedIn);
  return html`
    <header class="head">
      <div class="brand-small">
        <${Brand} />
      </div>
      <${Chip} />
      <div class="head-tools">
          <${RangePicker} />
          <button type="button" class="small" aria-pressed=${String(
            paused,
          )} onClick=${togglePause}>${paused ? "Paused" : "Live"}</button>
          <button type="button" class="small wide-only" onClick=${openPalette} aria-keyshortcuts="Control+K">Go to… <kbd>Ctrl K</kbd></button>
          <button type="button" class="quiet small wide-only" onClick=${openHelp} aria-label="Help: keys">?</button>
          <${Theme} />
          ${signedIn && html`<${SignOut} channel=${channel} />`}
        </div>
      <span class="sr-only" role="status">${paused ? "Paused: the page is not updated" : ""}</span>
    </header>
  `;
}
