// The page: frame, router, dialogs, notices. Pages are loaded when they are first gone to.
import { Head, togglePause } from "./frame/head.js";
import { Help, startKeys } from "./frame/keys.js";
import { BottomBar, More, Rail } from "./frame/navigation.js";
import { Outage } from "./frame/outage.js";
import { Palette } from "./frame/palette.js";
import { everyVerdict } from "./health/verdict.js";
import { match } from "./lib/address.js";
import { contact, request } from "./lib/api.js";
import { words } from "./lib/format.js";
import { startRouter, useAddress } from "./lib/router.js";
import { useStore } from "./lib/store.js";
import { Component, html, render, useEffect, useState } from "./lib/view.js";
import { Icon, toneOf } from "./parts/icon.js";
import { PAGES } from "./routes.js";
import { app, dismiss, startState } from "./state.js";

/** Keeps the status visible when a page fails to render. */
class Fence extends Component {
  constructor() {
    super();
    this.state = { error: null };
  }
  componentDidCatch(error) {
    this.setState({ error });
    console.error(error);
  }
  render({ children }, { error }) {
    return error
      ? html`
        <p class="note" data-tone="bad"
          role="alert">This page could not be drawn: ${String(
            error.message,
          )}. <a href=${location.pathname +
            location.search} target="_self">Load it again</a>.</p>
      `
      : children;
  }
}

const loaded = new Map();

/** Loads the whole page again where Holdfast answers, once in 30 s; else the browser would show its own page. */
async function loadAnew(path) {
  const key = `holdfast.reloaded ${path}`;
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 30_000) return;
  await request("/api/health", { also: [503] });
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}

/** The component of a page, and whether it could not be loaded. */
function usePage(page) {
  const [failed, fail] = useState(null);
  const [, update] = useState(0);
  useEffect(() => {
    if (!page || loaded.has(page.path)) return;
    let over = false;
    // A new version of Holdfast serves assets under other names.
    const again = () => over || contact.silent || loadAnew(page.path).catch(() => {});
    page.load().then((module) => {
      loaded.set(page.path, module.Page);
      if (!over) update((count) => count + 1);
    }, () => {
      if (over) return;
      fail(page.path);
      contact.listeners.add(again);
      again();
    });
    return () => {
      over = true;
      contact.listeners.delete(again);
    };
  }, [page]);
  // What the address names within a page can be shown once it is drawn.
  const Page = page ? loaded.get(page.path) : undefined;
  useEffect(() => {
    if (Page && location.hash) {
      document.getElementById(location.hash.slice(1))?.scrollIntoView();
    }
  }, [page, Boolean(Page)]);
  return { Page, failed: page !== undefined && failed === page.path };
}

function Toasts() {
  const toasts = useStore(app, (state) => state.toasts);
  return html`<div class="toasts" role="status" aria-live="polite">${
    toasts.map(({ id, text, word }) =>
      html`
        <div class="toast" key=${id}
          data-tone=${toneOf(word)}><${Icon} word=${word} size=${18} /><p><b>${words(
            word,
          )}:</b> ${text}</p><button type="button" class="quiet small" aria-label="Dismiss" onClick=${() =>
            dismiss(id)}>×</button></div>
      `
    )
  }</div>`;
}

/** Speaks of changes of the verdict only, not of the first one; keeps the tab's title. */
function useTitle(title) {
  const word = useStore(app, (state) => everyVerdict(state).word);
  const firing = useStore(
    app,
    ({ alerts }) => alerts.filter(({ state }) => state === "firing").length,
  );
  useEffect(() => {
    document.title = `${firing > 0 ? `(${firing}) ` : ""}${title} · ${words(word)} · Holdfast`;
  }, [title, word, firing]);
}

function App({ channel, dialog: initial }) {
  const { path, query } = useAddress();
  const [dialog, open] = useState(initial.name);
  initial.open = open;
  const close = () => open(null);
  let params = null;
  const page = PAGES.find((one) => (params = match(one.path, path)) !== null);
  const { Page, failed } = usePage(page);
  useTitle(params?.id ?? params?.table ?? page?.title ?? "Not found");
  const kiosk = query.has("kiosk");
  return html`
    <a class="skip" href="#main">Skip to content</a>
    ${!kiosk && html`<${Rail} path=${path} />`}
    <div class="body" data-kiosk=${kiosk}>
      <${Head} channel=${channel} openPalette=${() => open("palette")} openHelp=${() =>
        open("help")} />
      <main id="main" tabindex="-1" data-page=${page?.path}>
        ${page && path !== "/" && html`<${Outage} />`}
        <${Fence} key=${path}>
          ${page
            ? Page ? html`<${Page} params=${params} />` : failed
              ? html`
                <p class="note" data-tone="bad"
                  role="alert">This page could not be loaded. It is tried again when Holdfast answers. <a href=${location
                    .pathname} target="_self">Load it now</a>.</p>
              `
              : html`<div class="wait page-wait" aria-busy="true" aria-label="Loading"><span /><span /><span /></div>`
            : html`
              <h1>No such page</h1>
              <p>Nothing is at ${path}. <a href="/">Go to the overview</a>.</p>
            `}
        <//>
      </main>
    </div>
    ${!kiosk && html`<${BottomBar} path=${path} onMore=${() => open("more")} />`}
    <${Toasts} />
    ${dialog === "palette" && html`<${Palette} close=${close} />`}
    ${dialog === "help" && html`<${Help} close=${close} />`}
    ${dialog === "more" && html`<${More} close=${close} />`}
  `;
}

const dialog = { name: null, open: () => {} };
const channel = startState();
startRouter();
startKeys((name) => dialog.open(name), {
  p: togglePause,
  t: () => document.dispatchEvent(new Event("themenext")),
});
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} channel=${channel} dialog=${dialog} />`, root);
