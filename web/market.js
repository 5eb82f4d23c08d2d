// The market as stored: candles and the latest ticks of one symbol, be they from now or from 2013.
import { request, requestList } from "./api.js";
import { createCandleChart } from "./candles.js";
import { serverNow } from "./clock.js";
import { byId, h, setHidden, setText } from "./dom.js";
import { ago, compact, dateTime, price, priceDecimals } from "./format.js";
import { showEmptyMarket } from "./market_empty.js";
import { createPanel } from "./panel.js";
import { poll } from "./poll.js";
import { createTickTable } from "./ticks.js";

const INTERVALS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400 };
const CANDLES = 90;
const CANDLES_NARROW = 45;
const LIVE_MS = 60_000;
const SYMBOLS_EVERY_MS = 30_000;
const FIRST_TRIES = 8;

export function createMarket() {
  const panel = createPanel(byId("market"));
  const picker = byId("market-symbol");
  const table = createTickTable(byId("market-ticks"));
  let chart = null;
  let instruments = [];
  let instrumentsAt = 0;
  let symbol = remember("holdfast.symbol");
  let interval = "1m";
  let candles = [];
  let drawn = ""; // what the candles on screen were asked for
  let decimals = 2;

  const feed = poll({ every: 2_000, run, failed: panel.failed });
  picker.addEventListener("change", () => choose(picker.value));
  const buttons = Object.keys(INTERVALS).map(intervalButton);
  byId("market-intervals").append(...buttons);

  async function run() {
    if (Date.now() - instrumentsAt > SYMBOLS_EVERY_MS || instruments.length === 0) {
      await loadInstruments();
    }
    if (instruments.length === 0) {
      showEmpty(null);
      return;
    }
    const asked = symbol;
    const ticks = await latestTicks(asked);
    if (asked !== symbol) return;
    if (ticks.length === 0) {
      showEmpty(asked);
      return;
    }
    await loadCandles(asked, ticks[0]);
    if (asked !== symbol) return;
    setHidden(byId("market-empty"), true);
    setHidden(byId("market-body"), false);
    chart ??= createCandleChart(byId("market-candles"), readout);
    const tickSize = instruments.find((one) => one.symbol === asked)?.tick_size;
    decimals = priceDecimals(tickSize, ticks.map((tick) => tick.price));
    table.show(ticks, decimals, asked);
    chart.show(candles, decimals);
    readout(null);
    const age = serverNow() - Date.parse(ticks[0].ts);
    setText(
      byId("market-aside"),
      age < LIVE_MS
        ? `last tick ${ago(Math.max(0, age))}`
        : `last tick ${dateTime(ticks[0].ts)} UTC, ${ago(age)}: stored history, nothing live`,
    );
    panel.answered();
  }

  async function loadInstruments() {
    const found = await requestList("/api/instruments?limit=1000", "instruments", 2);
    instrumentsAt = Date.now();
    instruments = found.filter((one) => one?.symbol && !one.deleted_at)
      .sort((a, b) => a.symbol.localeCompare(b.symbol));
    if (!instruments.some((one) => one.symbol === symbol)) symbol = await firstWithTicks();
    const names = instruments.map((one) => one.symbol);
    if (picker.dataset.names !== names.join("\n")) {
      picker.dataset.names = names.join("\n");
      picker.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    }
    if (names.length === 0) picker.replaceChildren(h("option", {}, "no symbols"));
    else picker.value = symbol;
    picker.disabled = names.length === 0;
  }

  /** The busiest symbol since the start; where none has brought anything since, the first that has ticks. */
  async function firstWithTicks() {
    const { feeds = [] } = await request("/api/health/feeds").catch(() => ({})) ?? {};
    const [busiest] = feeds
      .filter((feed) =>
        feed.accepted > 0 && instruments.some(({ symbol }) => symbol === feed.symbol)
      )
      .sort((a, b) => b.accepted - a.accepted);
    if (busiest) return busiest.symbol;
    for (const { symbol: name } of instruments.slice(0, FIRST_TRIES)) {
      if ((await latestTicks(name)).length > 0) return name;
    }
    return instruments[0]?.symbol ?? null;
  }

  /** Candles of the window that ends with the last tick; asked again only when that tick is new. */
  async function loadCandles(asked, last) {
    const key = `${asked} ${interval} ${last.ts} ${last.trade_id ?? ""} ${last.price}`;
    if (key === drawn) return;
    const seconds = INTERVALS[interval];
    const end = (Math.floor(Date.parse(last.ts) / 1000 / seconds) + 1) * seconds;
    const count = innerWidth < 640 ? CANDLES_NARROW : CANDLES;
    const query = new URLSearchParams({
      symbol: asked,
      interval,
      from: new Date((end - count * seconds) * 1000).toISOString(),
      to: new Date(end * 1000).toISOString(),
    });
    const found = await requestList(`/api/candles?${query}`, "candles", 5);
    candles = found.filter((one) => Number.isFinite(Date.parse(one?.ts)))
      .sort((a, b) => Date.parse(a.ts) - Date.parse(b.ts));
    drawn = key;
  }

  function showEmpty(name) {
    setHidden(byId("market-body"), true);
    setText(byId("market-aside"), "");
    showEmptyMarket(byId("market-empty"), name);
    panel.answered();
  }

  function choose(name) {
    symbol = name;
    remember("holdfast.symbol", name);
    feed.poke();
  }

  function intervalButton(name) {
    const pressed = String(name === interval);
    return h("button", {
      type: "button",
      "aria-pressed": pressed,
      on: {
        click(event) {
          interval = name;
          for (const one of buttons) one.setAttribute("aria-pressed", one === event.target);
          feed.poke();
        },
      },
    }, name);
  }

  function readout(index) {
    const row = candles[index ?? candles.length - 1];
    if (!row) {
      setText(byId("market-readout"), `No ${interval} candles in this window.`);
      return;
    }
    const at = (name) => price(row[name], decimals);
    const figures = ["open", "high", "low", "close"].map((name) => `${name} ${at(name)}`);
    setText(
      byId("market-readout"),
      `${dateTime(row.ts).slice(0, -3)} · ${figures.join(" · ")} · volume ${
        compact(row.volume)
      } · ${compact(row.trades)} trades`,
    );
  }

  return { poke: feed.poke };
}

function latestTicks(symbol) {
  const query = new URLSearchParams({ symbol, limit: "12", order: "desc" });
  return request(`/api/ticks?${query}`).then((answer) => answer?.ticks ?? []);
}

/** Reads or keeps a preference; a browser that refuses storage just forgets. */
function remember(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch {
    // Forgotten, then.
  }
  return value ?? null;
}
