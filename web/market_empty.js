// What to do when there is nothing to see yet.
import { copyButton } from "./advice.js";
import { h, setHidden } from "./dom.js";

/** Shows how to feed `symbol` (or any symbol when null); rebuilt only when the symbol changes. */
export function showEmptyMarket(root, symbol) {
  setHidden(root, false);
  const key = symbol ?? "";
  if (root.dataset.symbol === key && root.childElementCount > 0) return;
  root.dataset.symbol = key;
  const url = `${location.origin}/api/ticks?create=true`;
  const row = `${new Date().toISOString()},${
    /^[\w.\-/]+$/.test(key) ? key : "DEMO"
  },100.25,10,XDEM`;
  root.replaceChildren(
    h("h3", {}, symbol ? `No ticks of ${symbol} yet` : "No ticks yet"),
    h("p", {}, "Holdfast shows them as soon as they arrive. Three ways to feed it:"),
    command("Replay realistic live ticks", "deno task demo"),
    command("Load a file: CSV, NDJSON or Parquet", "deno task import FILE"),
    command(
      "Post one tick",
      `printf 'ts,symbol,price,size,exchange\\n${row}\\n' |\n` +
        `  curl -sS -H 'content-type: text/csv' --data-binary @- '${url}'`,
    ),
  );
}

function command(label, text) {
  const code = h("code", {}, text);
  return h(
    "div",
    { class: "command" },
    h("p", {}, label),
    h("pre", { tabindex: "0" }, code),
    copyButton(() => code),
  );
}
