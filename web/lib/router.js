// Real paths with the browser's history: links, back, reload and copied addresses restore a page.
import { changeQuery } from "./address.js";
import { isHere, ownPath, pagePath, prefix } from "./database.js";
import { createStore, useStore } from "./store.js";

const read = () => ({ path: pagePath(location.pathname), search: location.search });
const place = createStore(read());

/** Paths that the server answers by itself. */
const elsewhere = /^\/(api|assets|docs|login|metrics|openapi\.json|ws)(\/|$|\?)/;

export function navigate(page, { replace = false } = {}) {
  const target = ownPath(page);
  if (target === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  const before = place.get().path;
  place.set(read());
  if (place.get().path !== before) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/** Changes parameters of the present address; without `push` no step back is made of it. */
export function setQuery(changes, { push = false } = {}) {
  const search = changeQuery(location.search, changes);
  navigate(location.pathname + search + location.hash, { replace: !push });
}

/** The address now: `{ path, query }`. */
export function useAddress() {
  const { path, search } = useStore(place);
  return { path, query: new URLSearchParams(search) };
}

/** One parameter of the query as state: its value (or `fallback`), and a function to set it. */
export function useParam(name, fallback = "") {
  const value = useAddress().query.get(name) ?? fallback;
  return [value, (next, options) => setQuery({ [name]: next === fallback ? null : next }, options)];
}

/** Puts the prefix of this page's database into a link about to be used, also in another tab or for copying. */
function keepDatabase(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href^='/']") : null;
  const path = link?.getAttribute("href");
  if (path && ownPath(path) !== path) link.setAttribute("href", ownPath(path));
}

/** Says whether a link leads to the pages of another database, which load anew. */
const leavesDatabase = (pathname) =>
  prefix === "" ? /^\/databases\/[^/]/.test(pathname) : !isHere(pathname);

/** Follows links of this page without loading anew. */
export function startRouter() {
  if (prefix !== "") {
    for (const use of ["pointerdown", "focusin"]) document.addEventListener(use, keepDatabase);
  }
  addEventListener("popstate", () => place.set(read()));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (prefix !== "") keepDatabase(event);
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!link || link.target || link.hasAttribute("download")) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || elsewhere.test(to.pathname)) return;
    if (leavesDatabase(to.pathname)) return;
    if (to.hash && to.pathname === location.pathname && to.search === location.search) return;
    event.preventDefault();
    follow(to);
  });
}

/** Goes to an address of this page as a link to it does: the chosen time range goes along. */
export function follow(href) {
  const to = new URL(href, location.href);
  navigate(to.pathname + keepRange(to.search) + to.hash);
}

function keepRange(search) {
  const now = new URLSearchParams(location.search);
  const next = new URLSearchParams(search);
  if (next.has("range") || next.has("from")) return search;
  return changeQuery(search, {
    range: now.get("range"),
    from: now.get("from"),
    to: now.get("to"),
    kiosk: now.has("kiosk") ? "1" : null,
  });
}
