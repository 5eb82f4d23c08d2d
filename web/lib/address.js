// Addresses: patterns with parameters, and the query as state. Pure.

/** The parameters of `path` under `pattern` ("/alerts/:id"), or null when it does not fit. */
export function match(pattern, path) {
  const wanted = pattern.split("/");
  const given = (path.length > 1 ? path.replace(/\/$/, "") : path).split("/");
  if (wanted.length !== given.length) return null;
  const params = {};
  for (const [at, part] of wanted.entries()) {
    if (part.startsWith(":")) {
      if (given[at] === "") return null;
      try {
        params[part.slice(1)] = decodeURIComponent(given[at]);
      } catch {
        return null;
      }
    } else if (part !== given[at]) return null;
  }
  return params;
}

/** The query with `changes` made; a value of null, undefined or "" leaves the parameter out. */
export function changeQuery(search, changes) {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A path on this server to return to after signing in; "/" for anything else. */
export function safeReturn(target) {
  const path = String(target ?? "");
  // Browsers read "//", "/\\" and control characters as the start of another host.
  const odd = path.includes("\\") || [...path].some((one) => one < " ");
  return /^\/(?!\/)/.test(path) && !odd && !path.startsWith("/login") ? path : "/";
}
