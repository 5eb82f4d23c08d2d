// Prices of one instrument: candles with history, and the latest ticks.
import { serverNow } from "../lib/clock.js";
import { clock, compact, counted, dateTime, price, priceDecimals } from "../lib/format.js";
import { setQuery, useParam } from "../lib/router.js";
import { useRange } from "../lib/use_range.js";
import { html, useEffect, useRef, useState } from "../lib/view.js";
import { Segments } from "../parts/controls.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Copy } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { createCandleChart } from "./candle_plot.js";

const INTERVALS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400 };
const MOST = 400;

function Candles({ candles, decimals, onZoom, onHover }) {
  const root = useRef(null);
  const chart = useRef(null);
  const latest = useRef({});
  latest.current = { onZoom, onHover };
  useEffect(() => {
    chart.current = createCandleChart(
      root.current,
      (index) => latest.current.onHover(index),
      (from, to) => latest.current.onZoom(from, to),
    );
    return () => chart.current.close();
  }, []);
  const last = candles.at(-1);
  useEffect(() => chart.current.show(candles, decimals), [
    `${candles.length} ${candles[0]?.ts} ${last?.ts} ${last?.close} ${last?.volume} ${decimals}`,
  ]);
  return html`<div class="chart candles" ref=${root} role="img" />`;
}

function useSymbols() {
  const feeds = useApi("/api/health/feeds");
  const list = useApi("/api/instruments?limit=1000");
  const busy = (feeds.data?.feeds ?? []).toSorted((a, b) => b.accepted - a.accepted).map((
    { symbol },
  ) => symbol);
  const instruments = list.data?.instruments ?? [];
  return { list, busiest: busy[0] ?? instruments[0]?.symbol ?? null, instruments };
}

/** The stretch that the candles cover, in ms: the range, or as much of it as `MOST` candles before the newest tick. */
function stretchOf(range, step, newest) {
  const end = range.fixed
    ? range.to
    : (Math.floor((Number.isFinite(newest) ? newest : serverNow()) / 1000 / step) + 1) * step *
      1000;
  const begin = Math.max(
    range.fixed ? range.from : end - Math.max(range.seconds, step * 60) * 1000,
    end - MOST * step * 1000,
  );
  return { begin, end };
}

/** The latest ticks of a symbol, and its candles in the range. */
function usePrices(symbol, interval, range) {
  const latest = useApi(
    symbol ? `/api/ticks?symbol=${encodeURIComponent(symbol)}&limit=14&order=desc` : null,
    { every: range.fixed ? 0 : 6_000 },
  );
  // The chart ends at the newest tick, which may be of another day.
  const newest = Date.parse(latest.data?.ticks?.[0]?.ts ?? "");
  const { begin, end } = stretchOf(range, INTERVALS[interval] ?? 60, newest);
  const query = new URLSearchParams({
    symbol: symbol ?? "",
    interval,
    from: new Date(begin).toISOString(),
    to: new Date(end).toISOString(),
    limit: String(MOST),
  });
  const answer = useApi(symbol && latest.data ? `/api/candles?${query}` : null, {
    every: range.fixed ? 0 : 15_000,
    subject: range.fixed ? null : `${symbol} ${interval} ${range.name}`,
  });
  return {
    latest,
    answer,
    newest,
    candles: answer.data?.candles ?? [],
    ticks: latest.data?.ticks ?? [],
  };
}

function candleWords(row, decimals) {
  const at = (name) => price(row[name], decimals);
  return `${dateTime(row.ts).slice(0, -3)} · open ${at("open")} · high ${at("high")} · low ${
    at("low")
  } · close ${at("close")} · volume ${compact(row.volume)} · ${counted(row.trades, "trade")}`;
}

const instrumentWords = (instrument) =>
  instrument
    ? [
      instrument.kind === "unknown" ? null : instrument.kind,
      instrument.currency,
      instrument.tick_size ? `tick ${instrument.tick_size}` : null,
    ].filter(Boolean).join(" · ")
    : "";

const tickColumns = (decimals) => [
  { key: "ts", head: "Time (UTC)", show: (tick) => clock(tick.ts) },
  { key: "price", head: "Price", num: true, show: (tick) => price(tick.price, decimals) },
  { key: "size", head: "Size", num: true, show: (tick) => compact(tick.size) },
  { key: "side", head: "Side", show: (tick) => tick.side ?? "" },
  { key: "exchange", head: "Venue", show: (tick) => tick.exchange ?? "" },
];

function NoInstrument() {
  const command = "deno task import trades.csv";
  return html`
    <${PageHead} title="Market" />
    <${Panel} title="No instrument yet">
      <p>Load a file of trades, or send ticks to <code>POST /api/ticks?create=true</code>.</p>
      <div class="sql">
        <pre><code>${command}</code></pre>
        <div class="sql-foot">
          <${Copy} text=${command} />
        </div>
      </div>
      <//>
  `;
}

/** Without a symbol there is nothing to ask prices of. */
function NoSymbol({ list }) {
  return html`
    <${PageHead} title="Market" />
    <${Trouble} of=${list} />
    <${Await} of=${list} lines=${6} />
  `;
}

function Tools({ instruments, symbol, setSymbol, interval, setInterval, fixed }) {
  return html`
    <label
      class="inline"><span class="sr-only">Symbol</span><select class="small" value=${symbol ??
        ""} onChange=${(event) => setSymbol(event.target.value)}>${[
        ...new Set([...symbol ? [symbol] : [], ...instruments.map((one) => one.symbol)]),
      ].sort().map(
        (one) => html`<option value=${one}>${one}</option>`,
      )}</select></label>
        <${Segments} label="Candle interval" value=${interval} options=${Object.keys(INTERVALS).map(
          (one) => [one, one],
        )}
      onChange=${setInterval} />
        ${fixed &&
          html`<button type="button" class="small" onClick=${() =>
            setQuery({ from: null, to: null }, { push: true })}>Back to the present</button>`}
  `;
}

const zoom = (from, to) =>
  setQuery({
    from: new Date(from * 1000).toISOString(),
    to: new Date(to * 1000).toISOString(),
    range: null,
  }, { push: true });

export function Page() {
  const { list, busiest, instruments } = useSymbols();
  const [wanted, setSymbol] = useParam("symbol");
  const [interval, setInterval] = useParam("interval", "1m");
  const range = useRange();
  const [index, hover] = useState(null);
  const symbol = wanted || busiest;
  const { latest, answer, newest, candles, ticks } = usePrices(symbol, interval, range);
  if (list.data && instruments.length === 0) return html`<${NoInstrument} />`;
  if (symbol === null) return html`<${NoSymbol} list=${list} />`;
  const instrument = instruments.find((one) => one.symbol === symbol);
  const decimals = priceDecimals(instrument?.tick_size, [
    ...ticks.map((tick) => tick.price),
    ...candles.slice(-30).map(({ close }) => close),
  ]);
  const row = candles[index ?? candles.length - 1];
  const said = row
    ? candleWords(row, decimals)
    : answer.data
    ? `No ${interval} candles in this range.`
    : latest.error || answer.error
    ? "Not known."
    : "";
  const old = Number.isFinite(newest) && serverNow() - newest > 3_600_000;
  const tools = html`
    <${Tools} instruments=${instruments} symbol=${symbol} setSymbol=${setSymbol}
      interval=${interval} setInterval=${setInterval} fixed=${range.fixed} />
  `;
  return html`
    <${PageHead} title=${symbol ?? "Market"} aside=${instrumentWords(instrument)} tools=${tools} />
        ${old && !range.fixed &&
          html`<${Note} tone="info">The newest tick is of ${
            dateTime(newest)
          } UTC; the chart ends there.<//>`}
        <${Trouble} of=${list} />
        <div class="columns wide-left">
      <${Panel} title="Candles" aside="drag to zoom">
        <${Trouble} of=${answer} />
        <p class="readout">${said}</p>
        ${candles.length > 0
          ? html`<${Candles} candles=${candles} decimals=${decimals} onZoom=${zoom} onHover=${hover} />`
          : html`<div class="candles" />`}
        <//>
        <${Panel} title="Latest ticks">
          <${Trouble} of=${latest} />
          <${Await} of=${latest}>
            <${Table} columns=${tickColumns(decimals)} rows=${ticks} keyOf=${(_tick, place) =>
              place} name="ticks"
              label="Latest ticks" empty="No tick of this symbol is stored." />
            <//>
            <//>
            </div>
  `;
}
