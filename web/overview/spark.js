// A sparkline with its level, drawn as SVG without a library.
import { html } from "../lib/view.js";

/** `points` are `[ms, value | null]`, oldest first; a null or a long silence is a gap. */
export function Spark({ points, from, to, level = null, height = 44 }) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  const values = known.map(([, value]) => value);
  if (known.length < 2) {
    return html`<div class="spark" style=${{ height: `${height}px` }} aria-hidden="true" />`;
  }
  const low = Math.min(...values);
  const high = Math.max(...values);
  const near = level !== null &&
    Math.abs(level - (high + low) / 2) < (high - low || Math.abs(high) || 1) * 3;
  const min = Math.min(low, near ? level : low);
  const max = Math.max(high, near ? level : high);
  const room = (max - min) * 0.1 || Math.abs(max) * 0.1 || 1;
  const x = (at) => ((at - from) / (to - from)) * 200;
  const y = (value) => height - 2 - ((value - min + room) / (max - min + 2 * room)) * (height - 4);
  const steps = known.slice(1).map(([at], index) => at - known[index][0]).sort((a, b) => a - b);
  const usual = steps[steps.length >> 1] ?? 0;
  let line = "";
  let before = null;
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) {
      before = null;
      continue;
    }
    const gap = before === null || at - before > Math.max(45_000, usual * 3);
    line += `${gap ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    before = at;
  }
  return html`
    <svg class="spark" viewBox=${`0 0 200 ${height}`} preserveAspectRatio="none" style=${{
      height: `${height}px`,
    }}
      aria-hidden="true">
        ${near && html`<path class="spark-level" d=${`M0 ${y(level).toFixed(1)}H200`} />`}
        <path class="spark-line" d=${line} />
      </svg>
  `;
}
