// Intervals against a target, and the same over many runs.
import { dateTime } from "../lib/format.js";
import { html } from "../lib/view.js";
import { toneOf } from "../parts/icon.js";

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** The 95 % interval of one category as a bar against its target. */
export function Interval({ row, say }) {
  const measured = row.verdict !== "not_measured" && known(row.improvement);
  const low = known(row.ci_low) ? row.ci_low : row.improvement;
  const high = known(row.ci_high) ? row.ci_high : row.improvement;
  const ends = [...(measured ? [low, high] : []), row.target].filter(known);
  if (ends.length === 0) return html`<div />`;
  const floor = Math.min(0, ...ends);
  const span = (Math.max(...ends) - floor) * 1.12 || 1;
  const at = (value) => `${((value - floor) / span) * 100}%`;
  const share = (row.target - floor) / span;
  const words = `${
    measured ? `${say(low)} to ${say(high)} (95 % interval)` : "not measured"
  }, target ${say(row.target)}`;
  return html`<div class="interval" role="img" aria-label=${words}><span class="track" />
    ${
    measured &&
    html`<span class=${`ci tone-${toneOf(row.verdict)}`} style=${{
      left: at(low),
      width: `${Math.max(0.6, ((high - low) / span) * 100)}%`,
    }} /><span class="point" style=${{ left: at(row.improvement) }} />`
  }
    ${
    known(row.target) && html`
      <span class="target" style=${{ left: at(row.target) }} /><span class=${share > 0.5
        ? "target-label before"
        : "target-label"}
        style=${{ left: at(row.target) }}>target ${say(row.target)}</span>
    `
  }
    ${measured && html`<span class="ci-label">95 %: ${say(low)} to ${say(high)}</span>`}
  </div>`;
}

const HEIGHT = 150;

/** Each run's interval, oldest left; a change point is a dashed line. */
export function Trend({ points, changes, say }) {
  const list = points.toSorted((a, b) => Date.parse(a.measured_at) - Date.parse(b.measured_at))
    .slice(-60);
  const high = Math.max(0, ...list.map(({ ci_high }) => ci_high));
  const low = Math.min(0, ...list.map(({ ci_low }) => ci_low));
  const room = (high - low) * 0.08 || 1;
  const y = (value) => 8 + ((high + room - value) / (high - low + 2 * room)) * (HEIGHT - 16);
  const x = (index) => ((index + 0.5) / list.length) * 100;
  const changed = new Set(changes.map(({ run_id }) => run_id));
  const last = list.at(-1);
  return html`
    <div class="trend">
      <svg viewBox=${`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${list.length} runs; the last ${
        say(last.improvement)
      }`}
        style=${{ height: `${HEIGHT}px` }}>
          <path class="trend-zero" d=${`M0 ${y(0)}H100`} />
          ${list.map((point, index) =>
            html`<g class=${`tone-${toneOf(point.verdict)}`}><title>${`${
              dateTime(point.measured_at)
            }: ${say(point.improvement)} (${say(point.ci_low)} to ${say(point.ci_high)})`}</title>
        ${
              changed.has(point.run_id) &&
              html`<path class="trend-change" d=${`M${x(index)} 0V${HEIGHT}`} />`
            }
        <path class="trend-ci" d=${`M${x(index)} ${y(point.ci_low)}V${
              y(point.ci_high)
            }`} /><path class="trend-point" d=${`M${x(index)} ${y(point.improvement)}h0.01`} /></g>`
          )}
        </svg>
      <p
        class="faint">${list.length} runs, the last ${say(last.improvement)} (${say(
          last.ci_low,
        )} to ${say(last.ci_high)}) at ${dateTime(last.measured_at)} UTC${changes.length > 0
          ? `; ${changes.length} change points, dashed`
          : ""}</p>
    </div>
  `;
}
