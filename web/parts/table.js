// A table that sorts by its heads, keeps the order in the address, and never draws more rows than are looked at.
import { useParam } from "../lib/router.js";
import { html, useMemo, useState } from "../lib/view.js";

const PAGE = 100;

function compare(a, b) {
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  if (typeof a === "number" && typeof b === "number") return b - a;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/**
 * `columns`: `{ key, head, value(row), show(row), num, wide }`; a column with `value` can be sorted by. `name` is the
 * parameter of the address; `sort` the order without one ("calls", "-calls" is reversed). `onRow` makes rows links.
 */
export function Table(
  { columns, rows, keyOf, name = "sort", sort = "", caption, label, empty, rowClass },
) {
  const [order, setOrder] = useParam(name, sort);
  const [shown, more] = useState(PAGE);
  const reversed = order.startsWith("-");
  const by = columns.find(({ key }) => key === order.replace(/^-/, ""));
  const sorted = useMemo(() => {
    if (!by?.value) return rows;
    const list = rows.toSorted((a, b) => compare(by.value(a), by.value(b)));
    return reversed ? list.reverse() : list;
  }, [rows, order]);
  if (rows.length === 0) return html`<p class="empty">${empty ?? "Nothing to show."}</p>`;
  const head = (column) => {
    const active = by?.key === column.key;
    const next = active && !reversed ? `-${column.key}` : column.key;
    return html`<th scope="col" class=${column.num ? "num" : ""} aria-sort=${
      active ? (reversed ? "ascending" : "descending") : null
    }>
      ${
      column.value
        ? html`<button type="button" class="sort" onClick=${() => setOrder(next)}>${column.head}${
          active ? (reversed ? " ↑" : " ↓") : ""
        }</button>`
        : column.head
    }
    </th>`;
  };
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label=${
    label ?? caption ?? "Table"
  }>
    <table>
      ${caption && html`<caption>${caption}</caption>`}
      <thead><tr>${columns.map(head)}</tr></thead>
      <tbody>${
    sorted.slice(0, shown).map((row, place) =>
      html`<tr key=${keyOf(row, place)} class=${rowClass?.(row) ?? ""}>
        ${
        columns.map((column) =>
          html`<td class=${`${column.num ? "num" : ""} ${column.wide ? "wide" : ""}`}>${
            column.show ? column.show(row) : column.value(row)
          }</td>`
        )
      }
      </tr>`
    )
  }</tbody>
    </table>
    ${
    sorted.length > shown && html`
      <p
        class="more"><button type="button" class="small" onClick=${() =>
          more(shown + PAGE)}>Show ${Math.min(PAGE, sorted.length - shown)} more of ${sorted.length
          .toLocaleString("en")}</button></p>
    `
  }
  </div>`;
}
