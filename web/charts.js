// uPlot, loaded once; a page without it still shows every figure, only undrawn.
import { colour } from "./paint.js";
import { day, hourMinute } from "./format.js";

const HOUR_S = 3_600;
const SHORTEST_SPAN_S = 300;
const MAX_POINTS = 1_500;

const loading = import("/assets/vendor/uplot.js").then((module) => module.default, () => null);

/** Creates a plot in `root`, redrawn on resize and change of theme; answers null without uPlot. */
export async function plot(root, options, data, height) {
  const UPlot = await loading;
  if (!UPlot || !root.isConnected) return null;
  const width = () => Math.max(40, Math.floor(root.clientWidth));
  const chart = new UPlot(
    {
      tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      ...options,
      width: width(),
      height,
    },
    data,
    root,
  );
  new ResizeObserver(() => {
    if (Math.abs(chart.width - width()) >= 1) chart.setSize({ width: width(), height });
  }).observe(root);
  document.addEventListener("themechange", () => chart.redraw(false, true));
  return chart;
}

/** UTC labels along a time axis: hour and minute, or the day where it changes. */
export function timeLabels(_chart, splits) {
  let before = null;
  return splits.map((seconds) => {
    const today = day(seconds * 1000);
    const turned = seconds % 86_400 === 0 || (before !== null && today !== before);
    before = today;
    return turned ? today : hourMinute(seconds * 1000);
  });
}

/**
 * A small line of the last hour. `push(seconds, value)` appends (null leaves a gap), `seed(points)`
 * puts history in front; `onHover(seconds, value)` hears the point under the pointer, or null.
 */
export function createSparkline(root, onHover) {
  let xs = [];
  let ys = [];
  let chart = null;
  let queued = false;

  const area = () => colour("spark-area");
  plot(
    root,
    {
      legend: { show: false },
      padding: [3, 1, 3, 1],
      axes: [{ show: false }, { show: false }],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { time: false, range: xRange }, y: { range: yRange } },
      series: [{}, {
        stroke: () => colour("accent"),
        fill: area,
        width: 1.5,
        points: { show: (u) => u.data[0].length < 3, size: 4 },
      }],
      hooks: {
        setCursor: [(u) => {
          const index = u.cursor.left >= 0 ? u.cursor.idx : null;
          onHover(index === null || index === undefined ? null : [xs[index], ys[index]]);
        }],
      },
    },
    [[], []],
    root.clientHeight || 36,
  ).then((made) => {
    chart = made;
    draw();
  });

  function draw() {
    queued = false;
    chart?.setData([xs, ys]);
  }

  function drawSoon() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(draw);
  }

  function trim() {
    const oldest = (xs.at(-1) ?? 0) - HOUR_S;
    let cut = Math.max(0, xs.length - MAX_POINTS);
    while (cut < xs.length && xs[cut] < oldest) cut += 1;
    if (cut > 0) {
      xs = xs.slice(cut);
      ys = ys.slice(cut);
    }
  }

  return {
    push(seconds, value) {
      if (!Number.isFinite(seconds) || seconds <= (xs.at(-1) ?? -Infinity)) return;
      xs.push(seconds);
      ys.push(Number.isFinite(value) ? value : null);
      trim();
      drawSoon();
    },
    seed(points) {
      const first = xs[0] ?? Infinity;
      const older = withGaps(points.filter(([seconds]) => seconds < first));
      xs = [...older.map(([seconds]) => seconds), ...xs];
      ys = [...older.map(([, value]) => (Number.isFinite(value) ? value : null)), ...ys];
      trim();
      drawSoon();
    },
  };
}

/** Puts an unknown value where points are missing, so that no line is drawn across. */
function withGaps(points) {
  const steps = points.slice(1).map(([seconds], index) => seconds - points[index][0]);
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0;
  return points.flatMap((point, index) => {
    const missing = index > 0 && steps[index - 1] > Math.max(30, usual * 4);
    return missing ? [[point[0] - usual, null], point] : [point];
  });
}

function xRange(_chart, min, max) {
  if (min === null || max === null) return [0, 1];
  return [Math.min(min, max - SHORTEST_SPAN_S), max];
}

/** Room above and below, and a level line in the middle when nothing moves. */
function yRange(_chart, min, max) {
  if (min === null || max === null) return [0, 1];
  const room = (max - min) * 0.12 || Math.abs(max) * 0.1 || 1;
  return [min >= 0 ? Math.max(0, min - room) : min - room, max + room];
}
