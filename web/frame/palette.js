// Ctrl-K: go anywhere by name.
import { request } from "../lib/api.js";
import { follow } from "../lib/router.js";
import { html, useEffect, useMemo, useState } from "../lib/view.js";
import { listed } from "../routes.js";
import { app } from "../state.js";
import { Dialog } from "./dialog.js";

const MOST = 12;

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
    { title: "Runbook", kind: "page", href: "/docs/runbook" },
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
    if (place.href.startsWith("/docs")) location.assign(place.href);
    else follow(place.href);
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
