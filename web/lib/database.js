// Of which database this page is: with several, the pages of one are below /databases/{name}. Read once, at loading.

const here = /^\/databases\/[^/]+(?=\/|$)/;

/** The prefix of this page's addresses: "/databases/{name}", or "" for the database of paths without a name. */
export const prefix = here.exec(location.pathname)?.[0] ?? "";

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The name in the address, or null for the database of paths without a name. */
export const databaseName = prefix === "" ? null : decoded(prefix.slice("/databases/".length));

/** Returns the path without the prefix: the one that the list of pages knows. */
export function pagePath(pathname) {
  if (prefix === "" || !isHere(pathname)) return pathname;
  return pathname.slice(prefix.length) || "/";
}

/** Says whether an address of this server is one of this database's pages, prefix included. */
export function isHere(pathname) {
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}

/** Says whether a path names a database, or is the list of all: it stays as it is. */
const namesDatabase = (path) => /^\/databases(\/|\?|$)/.test(path);
/** Paths of the process, whichever database a page is of. */
const ofProcess = /^\/api\/(databases|session|tokens)(\/|\?|$)/;

/** Returns a path as this database has it: pages below the prefix, the API below /api/databases/{name}. */
export function ownPath(path) {
  if (prefix === "" || isHere(path) || namesDatabase(path)) return path;
  if (path.startsWith("/api/")) {
    return ofProcess.test(path) ? path : `/api${prefix}${path.slice("/api".length)}`;
  }
  if (/^\/(assets|docs|login|metrics|openapi\.json)(\/|\?|$)/.test(path)) return path;
  return path === "/" ? `${prefix}/` : `${prefix}${path}`;
}

/** The path of the live channel. */
export const livePath = prefix === "" ? "/ws" : `/api${prefix}/ws`;
