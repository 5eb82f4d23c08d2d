// The ways to the pages: the rail, the bottom bar of a phone, and its list of all pages.
import { DatabaseSwitch } from "../databases/switch.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { BOTTOM, listed } from "../routes.js";
import { app } from "../state.js";
import { Dialog } from "./dialog.js";

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

export const Brand = () =>
  html`
    <a class="brand"
      href="/"><svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect width="32" height="32" rx="8" /><path d="M9 7v18M23 7v18M9 16h14" /></svg>Holdfast</a>
  `;

export function Rail({ path }) {
  const groups = [...new Set(listed.map(({ group }) => group))];
  return html`<nav class="rail" aria-label="Pages"><${Brand} /><${DatabaseSwitch} />
    ${
    groups.map((group) =>
      html`<div class="rail-group"><p>${group}</p>${
        listed.filter((page) => page.group === group).map((page) =>
          html`<${Item} key=${page.path} page=${page} path=${path} />`
        )
      }</div>`
    )
  }
    <div class="rail-group"><a href="/docs"><svg class="glyph" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M8 6l-5 6 5 6M16 6l5 6-5 6" /></svg><span>API reference</span></a><a href="/docs/runbook">${
    glyph("M6 4h12v16H6ZM9 8h6M9 12h6M9 16h3")
  }<span>Runbook</span></a></div>
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

/** Pages that the server answers by itself. */
const elsewhere = [
  { path: "/docs", title: "API reference" },
  { path: "/docs/runbook", title: "Runbook" },
];

/** All pages, on a phone. */
export function More({ close }) {
  return html`
    <${Dialog} label="All pages" close=${close}>
      <ul class="all-pages">
        ${[...listed, ...elsewhere].map((page) =>
          html`<li><a href=${page.path} onClick=${close}>${page.title}</a></li>`
        )}
        <li><button type="button" class="link" onClick=${() =>
          document.dispatchEvent(new Event("themenext"))}>Light or dark</button></li>
      </ul>
      <form method="dialog"><button class="small">Close</button></form>
      <//>
  `;
}
