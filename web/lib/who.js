// Who acts on this page: asked once, kept in this browser, sent with what is acknowledged.

const KEY = "holdfast.who";

export function who() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Keeps the name; an empty one is forgotten. */
export function rememberWho(name) {
  try {
    if (name) localStorage.setItem(KEY, name.slice(0, 80));
    else localStorage.removeItem(KEY);
  } catch {
    // A browser that refuses storage asks again.
  }
}
