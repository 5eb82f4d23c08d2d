// Building and updating the page. Data only ever becomes text, never markup.

/** An element with attributes, listeners (`on`) and children; `null` children are skipped. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Replaces an element's text only when it differs, so that readers and selections are left alone. */
export function setText(node, text) {
  const next = String(text);
  if (node.textContent !== next) node.textContent = next;
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/**
 * Keeps `parent` in step with `items`, reusing nodes by key, so that focus and opened details survive.
 * `make(item)` answers `{ node, update(item), close?() }`.
 */
export function keyedList(parent, keyOf, make) {
  let rows = new Map();
  return (items) => {
    const next = new Map();
    for (const item of items) {
      const key = String(keyOf(item));
      if (next.has(key)) continue;
      const row = rows.get(key) ?? make(item);
      row.update(item);
      next.set(key, row);
    }
    for (const [key, row] of rows) {
      if (next.has(key)) continue;
      row.node.remove();
      row.close?.();
    }
    let place = parent.firstElementChild;
    for (const row of next.values()) {
      if (row.node === place) place = place.nextElementSibling;
      else parent.insertBefore(row.node, place);
    }
    rows = next;
  };
}
