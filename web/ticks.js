// The table of latest ticks; new rows are marked for a moment.
import { h } from "./dom.js";
import { clock, number, price } from "./format.js";

export function createTickTable(body) {
  let known = new Set();
  let version = "";
  let symbol = null;

  return {
    show(ticks, decimals, ofSymbol) {
      const next = JSON.stringify([ticks, decimals]);
      if (next === version) return;
      version = next;
      const fresh = new Set();
      const sameSymbol = symbol === ofSymbol;
      symbol = ofSymbol;
      const rows = ticks.slice(0, 12).map((tick) => {
        const key = `${tick.ts}|${tick.trade_id}|${tick.price}|${tick.size}`;
        fresh.add(key);
        return row(tick, decimals, sameSymbol && !known.has(key));
      });
      known = fresh;
      body.replaceChildren(...rows);
    },
  };
}

function row(tick, decimals, isNew) {
  const time = String(tick.ts).match(/\.(\d{1,3})/)?.[1] ?? "";
  const side = { b: "buy", s: "sell", buy: "buy", sell: "sell" }[String(tick.side).toLowerCase()];
  return h(
    "tr",
    { class: isNew ? "fresh" : null, title: `${tick.ts}  trade ${tick.trade_id ?? "unknown"}` },
    h(
      "td",
      {},
      clock(tick.ts),
      time ? h("span", { class: "faint" }, `.${time.padEnd(3, "0")}`) : null,
    ),
    h("td", { class: "num" }, price(tick.price, decimals)),
    h("td", { class: "num" }, number(tick.size)),
    h("td", { class: side ?? "faint" }, side ? `${side === "buy" ? "▲" : "▼"} ${side}` : "–"),
    h("td", { class: tick.exchange ? null : "faint" }, String(tick.exchange ?? "–")),
  );
}
