// The head of every page: the verdict, the range, Live or Paused, theme, sign-out.
import { everyVerdict } from "../health/verdict.js";
import { request, signIn } from "../lib/api.js";
import { serverNow } from "../lib/clock.js";
import { dateTime, duration } from "../lib/format.js";
import { setQuery, useAddress } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { RANGES, readRange } from "../lib/time_range.js";
import { html, useEffect, useState } from "../lib/view.js";
import { Age, useSeconds } from "../parts/age.js";
import { Icon, toneOf } from "../parts/icon.js";
import { app, refresh } from "../state.js";
import { Brand } from "./navigation.js";

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
  if (!paused) refresh();
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
      <span class="sr-only" role="status">${paused
        ? "Paused: lists and charts are not updated; the status, its figures and the alerts are"
        : ""}</span>
    </header>
  `;
}
