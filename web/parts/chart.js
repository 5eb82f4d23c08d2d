// uPlot behind one component: lines with their band, a level, marked stretches, one cursor for all, drag to zoom.
import { colour } from "../lib/canvas.js";
import { day, hourMinute } from "../lib/format.js";
import { html, useEffect, useRef } from "../lib/view.js";

let loading = null;
/** uPlot, fetched once when the first chart is drawn; null when it cannot be had, and then fetched again for the next one. */
export const loadPlot = () =>
  loading ??= import("../vendor/uplot.js").then((module) => module.default, () => loading = null);

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

/** Half the width of the widest label of a time axis: the last one may stand at the right edge. */
const HALF_TIME = 22;

/** The width of the value axis: its longest label is not cut. */
export const widthOf = (_chart, labels) =>
  Math.max(72, ...(labels ?? []).map((label) => 12 + 6.8 * String(label).length));

export function axis(options) {
  return {
    stroke: () => colour("muted"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    ...options,
  };
}

/** Puts a gap where points are missing, so that no line is drawn across a silence. */
export function withGaps(points, step) {
  const usual = Math.max(step, 1) * 1000;
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const missing = before && point.at - before.at > Math.max(45_000, usual * 2.5);
    return missing
      ? [{ at: before.at + usual, value: null, min: null, max: null }, point]
      : [point];
  });
}

function yRange(levels) {
  return (_u, min, max) => {
    if (min === null || max === null) return [0, 1];
    const near = levels.filter((level) => level <= max + (max - min || Math.abs(max) || 1) * 3);
    const high = Math.max(max, ...near);
    const low = Math.min(min, ...near);
    const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
    return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  };
}

function drawUnder(current) {
  return (u) => {
    const { bands, levels, marks } = current();
    const { ctx, bbox } = u;
    ctx.save();
    for (const { from, to, tone } of bands) {
      const left = Math.max(bbox.left, u.valToPos(from / 1000, "x", true));
      const right = Math.min(bbox.left + bbox.width, u.valToPos(to / 1000, "x", true));
      if (right <= left) continue;
      ctx.fillStyle = colour(tone);
      ctx.globalAlpha = 0.13;
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    }
    ctx.globalAlpha = 1;
    ctx.lineWidth = devicePixelRatio;
    for (const { value, tone } of levels) {
      const y = Math.round(u.valToPos(value, "y", true));
      if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
      ctx.strokeStyle = colour(tone);
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.strokeStyle = colour("muted");
    for (const at of marks) {
      const x = Math.round(u.valToPos(at / 1000, "x", true));
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
}

/**
 * A chart of `points` (`{ at, value, min?, max? }`, ms) between `from` and `to`. `levels`: `{ value, tone }`, `bands`:
 * `{ from, to, tone }`, `marks`: moments. Charts with one `sync` name share a cursor; `onZoom(from, to)` hears a drag,
 * `onHover(point | null)` the point under the cursor. `steps`: the distances that its value axis may have.
 */
export function Chart(
  {
    points,
    step = 0,
    from,
    to,
    format,
    steps,
    label,
    levels = [],
    bands = [],
    marks = [],
    sync,
    height = 150,
    onZoom,
    onHover,
  },
) {
  const root = useRef(null);
  const chart = useRef(null);
  const latest = useRef({});
  const hovered = useRef(null);
  const create = useRef(null);
  latest.current = {
    from,
    to,
    levels,
    bands,
    marks,
    onZoom,
    onHover,
    format,
    points: withGaps(points, step),
  };
  useEffect(() => {
    let over = false;
    let watching = null;
    const redraw = () => chart.current?.redraw(false, true);
    create.current = async () => {
      const Plot = await loadPlot();
      if (over || !Plot || !root.current || chart.current) return;
      const current = () => latest.current;
      const width = () => Math.max(60, Math.floor(root.current?.clientWidth ?? 60));
      const faint = { stroke: "transparent", width: 0, points: { show: false } };
      chart.current = new Plot(
        {
          width: width(),
          height,
          tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
          legend: { show: false },
          padding: [8, HALF_TIME, 0, 0],
          cursor: {
            y: false,
            sync: sync ? { key: sync } : undefined,
            drag: { x: Boolean(onZoom), y: false, setScale: false },
            points: { size: 7 },
          },
          scales: {
            x: { time: true, range: () => [current().from / 1000, current().to / 1000] },
            y: {
              range: (...given) => yRange(current().levels.map(({ value }) => value))(...given),
            },
          },
          axes: [
            // The gap keeps the first time clear of the lowest value.
            axis({ space: 70, values: timeLabels, size: 29, gap: 8 }),
            axis({
              size: widthOf,
              space: 34,
              ...(steps ? { incrs: steps } : {}),
              values: (_u, splits) => splits.map((value) => current().format(value)),
            }),
          ],
          series: [{}, faint, faint, {
            stroke: () => colour("accent"),
            width: 1.6,
            points: { show: (u) => u.data[0].length < 3, size: 5 },
          }],
          bands: [{ series: [2, 1], fill: () => colour("spark-area") }],
          hooks: {
            drawAxes: [drawUnder(current)],
            setSelect: [(u) => {
              if (u.select.width > 8) {
                const at = (left) => u.posToVal(left, "x") * 1000;
                current().onZoom?.(at(u.select.left), at(u.select.left + u.select.width));
              }
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            }],
            setCursor: [
              (u) => {
                const index = u.cursor.left >= 0 ? u.cursor.idx ?? null : null;
                if (index === hovered.current) return;
                hovered.current = index;
                current().onHover?.(index === null ? null : current().points[index] ?? null);
              },
            ],
          },
        },
        [[], [], [], []],
        root.current,
      );
      draw();
      watching = new ResizeObserver(() => {
        if (Math.abs(chart.current.width - width()) >= 1) {
          chart.current.setSize({ width: width(), height });
        }
      });
      watching.observe(root.current);
    };
    document.addEventListener("themechange", redraw);
    return () => {
      over = true;
      watching?.disconnect();
      document.removeEventListener("themechange", redraw);
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  function draw() {
    const shown = latest.current.points;
    if (!chart.current) return void create.current();
    chart.current.setData([
      shown.map(({ at }) => at / 1000),
      shown.map(({ min, value }) => min ?? value),
      shown.map(({ max, value }) => max ?? value),
      shown.map(({ value }) => value),
    ]);
  }
  // Drawing reports the cursor, which may render the page again: that must not draw the chart again.
  const last = points.at(-1);
  useEffect(draw, [
    JSON.stringify([
      points.length,
      points[0]?.at,
      last?.at,
      last?.value,
      from,
      to,
      levels,
      bands,
      marks,
    ]),
  ]);
  return html`<div class="chart" ref=${root} role="img" aria-label=${label} style=${{
    height: `${height}px`,
  }} />`;
}
