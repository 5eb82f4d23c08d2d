// Ctrl-K: go anywhere by name; `?`: the keys.
import { request } from "../lib/api.js";
import { navigate } from "../lib/router.js";
import { app } from "../state.js";
import { listed } from "../routes.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/view.js";

const MOST = 12;

function Dialog({ label, close, children }) {
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

/** Places to go: pages, alerts, tables, symbols, by what was typed. */
function usePlaces() {
  const [more, set] = useState([]);
  useEffect(() => {
    const wanted = [
      request("/api/partitions/policies").then(({ policies }) =>
        policies.map(({ table }) => ({
          title: table,
          kind: "partitioned table",
          href: `/partitions/${encodeURIComponent(table)}`,
        }))
      ),
      request("/api/instruments?limit=200").then(({ instruments }) =>
        instruments.map(({ symbol }) => ({
          title: symbol,
          kind: "symbol",
          href: `/market?symbol=${encodeURIComponent(symbol)}`,
        }))
      ),
    ];
    Promise.allSettled(wanted).then((found) => set(found.flatMap(({ value }) => value ?? [])));
  }, []);
  return [
    ...listed.map(({ title, path, key }) => ({ title, kind: `g ${key}`, href: path })),
    { title: "API reference", kind: "page", href: "/docs" },
    ...app.get().alerts.filter(({ state }) => state === "firing").slice(0, 50).map((alert) => ({
      title: String(alert.message),
      kind: alert.severity,
      href: `/alerts/${alert.id}`,
    })),
    ...more,
  ];
}

export function Palette({ close }) {
  const [text, type] = useState("");
  const [at, move] = useState(0);
  const places = usePlaces();
  const found = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return places.filter(({ title, kind }) =>
      words.every((word) => `${title} ${kind}`.toLowerCase().includes(word))
    ).slice(0, MOST);
  }, [text, places.length]);
  const go = (place) => {
    if (!place) return;
    close();
    if (place.href === "/docs") location.assign("/docs");
    else navigate(place.href);
  };
  const key = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move((at + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(found[at]);
    }
  };
  return html`<${Dialog} label="Go to" close=${close}>
    <input type="text" role="combobox" aria-expanded="true" aria-controls="places" aria-activedescendant=${
    found[at] ? `place-${at}` : null
  } aria-label="Go to a page, a table, a symbol, an alert" placeholder="Go to a page, a table, a symbol, an alert" value=${text} onInput=${(
    event,
  ) => {
    type(event.target.value);
    move(0);
  }} onKeyDown=${key} autofocus />
    <ul id="places" role="listbox" aria-label="Places">${
    found.map((place, index) =>
      html`
        <li id=${`place-${index}`} role="option" aria-selected=${String(
          index === at,
        )} onClick=${() => go(place)}
          onPointerMove=${() => index !== at && move(index)}><span>${place
            .title}</span><span class="faint">${place.kind}</span></li>
      `
    )
  }</ul>
    ${found.length === 0 && html`<p class="empty">Nothing has this name.</p>`}
  <//>`;
}

const KEYS = [
  ["Ctrl K", "go anywhere by name"],
  ["/", "the same"],
  ["?", "these keys"],
  ["p", "pause or continue"],
  ["t", "light, dark or the system's theme"],
  ["Esc", "close"],
];

export function Help({ close }) {
  return html`
    <${Dialog} label="Keys" close=${close}>
      <h2>Keys</h2>
      <dl class="keys">${KEYS.map(([key, what]) =>
        html`
          <div>
            <dt><kbd>${key}</kbd></dt>
            <dd>${what}</dd>
          </div>
        `
      )}
          ${listed.map(({ key, title }) =>
            html`
              <div>
                <dt><kbd>g</kbd> <kbd>${key}</kbd></dt>
                <dd>${title}</dd>
              </div>
            `
          )}</dl>
      <p
        class="faint">Times are UTC. Drag over a chart to zoom. The address contains the view, so a copied link shows it too.</p>
      <form method="dialog"><button class="small">Close</button></form>
      <//>
  `;
}

/** All pages, on a phone. */
export function More({ close }) {
  return html`
    <${Dialog} label="All pages" close=${close}>
      <ul class="all-pages">
        ${[...listed, { path: "/docs", title: "API reference" }].map((page) =>
          html`<li><a href=${page.path} onClick=${close}>${page.title}</a></li>`
        )}
        <li><button type="button" class="link" onClick=${() =>
          document.dispatchEvent(new Event("themenext"))}>Light or dark</button></li>
      </ul>
      <form method="dialog"><button class="small">Close</button></form>
      <//>
  `;
}

/** Handles the keys of the page: `open(name)` shows a dialog, `act` maps single keys to actions. */
export function startKeys(open, act) {
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element &&
      event.target.closest("input, textarea, select, dialog, [contenteditable]");
    if (typing) return;
    if (Date.now() - leader < 1_500) {
      leader = 0;
      const page = listed.find(({ key }) => key === event.key);
      if (page) {
        event.preventDefault();
        navigate(
          page.path +
            location.search.replace(
              /^.*?([?&]range=[^&]*).*$|^.*$/,
              (_all, range) => range?.replace("&", "?") ?? "",
            ),
        );
      }
      return;
    }
    if (event.key === "g") leader = Date.now();
    else if (event.key === "?") open("help");
    else if (event.key === "/") {
      event.preventDefault();
      open("palette");
    } else act[event.key]?.();
  });
}
