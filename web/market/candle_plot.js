// The price chart: hollow candles rise, filled candles fall, volume is below.
import { colour } from "../lib/canvas.js";
import { compact, price } from "../lib/format.js";
import { axis, loadPlot, timeLabels } from "../parts/chart.js";

const VOLUME_SHARE = 0.18;
const HEIGHT = 396;

/**
 * Creates the chart; `onHover(index | null)` hears the candle under the pointer, `onZoom(from, to)` a dragged range in
 * seconds. Without uPlot it stays empty; the readout and the ticks tell the same.
 */
export function createCandleChart(root, onHover, onZoom) {
  let chart = null;
  let rows = [];
  let decimals = 2;
  let over = false;
  let watching = null;
  const width = () => Math.max(60, Math.floor(root.clientWidth));
  const redraw = () => chart?.redraw(false, true);

  loadPlot().then((Plot) => {
    if (over || !Plot || !root.isConnected) return;
    chart = new Plot(
      {
        width: width(),
        height: HEIGHT,
        tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        legend: { show: false },
        padding: [10, 8, 0, 18],
        cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
        scales: {
          x: { time: true, range: xRange },
          y: { range: yRange },
          volume: { range: (_u, _min, max) => [0, (max || 1) / VOLUME_SHARE] },
        },
        axes: [
          axis({ space: 70, values: timeLabels, size: 30 }),
          axis({
            side: 1,
            size: 74,
            values: (_u, splits) => splits.map((at) => price(at, decimals)),
          }),
        ],
        series: [{}, hidden("y"), hidden("y"), hidden("y"), hidden("y"), hidden("volume")],
        hooks: {
          draw: [paint],
          setCursor: [(u) => onHover(u.cursor.left >= 0 ? u.cursor.idx ?? null : null)],
          setSelect: [(u) => {
            const { left, width: wide } = u.select;
            if (wide > 8) onZoom(u.posToVal(left, "x"), u.posToVal(left + wide, "x"));
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          }],
        },
      },
      [[], [], [], [], [], []],
      root,
    );
    watching = new ResizeObserver(() => {
      if (Math.abs(chart.width - width()) >= 1) chart.setSize({ width: width(), height: HEIGHT });
    });
    watching.observe(root);
    draw();
  });
  document.addEventListener("themechange", redraw);

  function draw() {
    chart?.setData([
      rows.map((row) => Date.parse(row.ts) / 1000),
      rows.map((row) => row.open),
      rows.map((row) => row.high),
      rows.map((row) => row.low),
      rows.map((row) => row.close),
      rows.map((row) => row.volume),
    ]);
  }

  return {
    close() {
      over = true;
      watching?.disconnect();
      document.removeEventListener("themechange", redraw);
      chart?.destroy();
    },
    show(candles, columnDecimals) {
      rows = candles;
      decimals = columnDecimals;
      draw();
      const last = rows.at(-1);
      root.setAttribute(
        "aria-label",
        last
          ? `${rows.length} candles; last close ${price(last.close, decimals)}, volume ${
            compact(last.volume)
          }`
          : "No candles",
      );
    },
  };
}

const hidden = (scale) => ({ scale, paths: () => null, points: { show: false } });

/** Leaves half a candle of space at each end. */
function xRange(u, min, max) {
  if (min === null || max === null) return [0, 60];
  const half = step(u.data[0]) * 0.8;
  return [min - half, max + half];
}

function yRange(_u, min, max) {
  if (min === null || max === null) return [0, 1];
  const spread = (max - min) || Math.abs(max) * 0.002 || 1;
  return [min - spread * (VOLUME_SHARE + 0.12), max + spread * 0.06];
}

/** The smallest distance between neighbours, in seconds. */
function step(xs) {
  let least = Infinity;
  for (let i = 1; i < xs.length; i += 1) least = Math.min(least, xs[i] - xs[i - 1]);
  return Number.isFinite(least) && least > 0 ? least : 60;
}

function paint(u) {
  const [xs, opens, highs, lows, closes, volumes] = u.data;
  if (xs.length === 0) return;
  const context = u.ctx;
  const pitch = Math.abs(u.valToPos(xs[0] + step(xs), "x", true) - u.valToPos(xs[0], "x", true));
  const width = Math.max(1, Math.min(14 * devicePixelRatio, pitch * 0.68));
  const ground = u.valToPos(0, "volume", true);
  context.save();
  context.beginPath();
  context.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  context.clip();
  context.lineWidth = Math.max(1, devicePixelRatio);
  for (let i = 0; i < xs.length; i += 1) {
    const x = Math.round(u.valToPos(xs[i], "x", true));
    const rising = closes[i] >= opens[i];
    const left = Math.round(x - width / 2);
    if (Number.isFinite(volumes[i])) {
      context.fillStyle = colour("volume");
      const top = u.valToPos(volumes[i], "volume", true);
      context.fillRect(left, top, width, ground - top);
    }
    const [open, high, low, close] = [opens[i], highs[i], lows[i], closes[i]]
      .map((value) => u.valToPos(value, "y", true));
    if (![open, high, low, close].every(Number.isFinite)) continue;
    context.strokeStyle = context.fillStyle = colour(rising ? "rise" : "fall");
    const top = Math.min(open, close);
    const body = Math.max(context.lineWidth, Math.abs(close - open));
    context.beginPath();
    context.moveTo(x, high);
    context.lineTo(x, top);
    context.moveTo(x, top + body);
    context.lineTo(x, low);
    context.stroke();
    if (rising && width >= 3.5 * devicePixelRatio) context.strokeRect(left, top, width, body);
    else context.fillRect(left, top, width, body);
  }
  context.restore();
}
