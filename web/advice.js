// SQL worth running: shown with its lock and its risk, copied by a button, never run from here.
import { h, setHidden, setText } from "./dom.js";

/** A block of SQL with its lock level, its risk and a copy button. */
export function sqlBlock({ sql, lock, risk }) {
  const code = h("code", {}, String(sql));
  return h(
    "div",
    { class: "sql" },
    h("pre", { tabindex: "0", "aria-label": "SQL" }, code),
    h(
      "p",
      { class: "sql-foot" },
      lock ? h("span", { class: "tag" }, `lock: ${lock}`) : null,
      risk ? h("span", { class: "risk" }, `Risk: ${risk}`) : null,
      copyButton(() => code),
    ),
  );
}

/** A button that copies the text of `source()`, or selects it where the browser refuses. */
export function copyButton(source) {
  const button = h("button", { type: "button", class: "small" }, "Copy");
  let timer = 0;
  button.addEventListener("click", async () => {
    const node = source();
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(node.textContent);
    } catch {
      getSelection()?.selectAllChildren(node);
      said = "Selected: press Ctrl+C";
    }
    button.textContent = said;
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = "Copy"), 2_500);
  });
  return button;
}

/** The list of recommendations below the figures, rebuilt only when it changes. */
export function createAdvice(root) {
  const list = root.querySelector(".advice-list");
  let version = "";
  return {
    show(recommendations) {
      const items = Array.isArray(recommendations) ? recommendations.slice(0, 50) : [];
      setHidden(root, items.length === 0);
      const next = JSON.stringify(items);
      if (next === version) return;
      version = next;
      setText(
        root.querySelector("summary"),
        `${items.length} recommendation${items.length === 1 ? "" : "s"}`,
      );
      list.replaceChildren(...items.map(item));
    },
  };
}

function item(advice) {
  return h(
    "article",
    { class: "advice" },
    h("h3", {}, String(advice?.title ?? "Recommendation")),
    advice?.detail ? h("p", {}, String(advice.detail)) : null,
    advice?.rehearsal ? h("p", {}, `Rehearsed: ${advice.rehearsal.summary}`) : null,
    advice?.sql ? sqlBlock(advice) : null,
  );
}
