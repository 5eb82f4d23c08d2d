// What one statement did in the range of the page: a call's time and blocks, calls, and time in all.
import { serverNow } from "../lib/clock.js";
import { compact, dateTime, milliseconds, moment, number, words } from "../lib/format.js";
import { setQuery } from "../lib/router.js";
import { useRange } from "../lib/use_range.js";
import { html, useMemo, useState } from "../lib/view.js";
import { Chart } from "../parts/chart.js";
import { emptyWords, Note, Panel, Trouble } from "../parts/panel.js";
import { useApi } from "../parts/use_api.js";

const MOST = 240;

const CHARTS = [
  {
    title: "Time a call",
    metric: "mean_ms",
    of: ({ mean_ms, calls }) => (calls > 0 ? mean_ms : null),
    format: milliseconds,
  },
  {
    title: "Calls a second",
    of: ({ calls, seconds }) => (seconds > 0 ? calls / seconds : null),
    format: number,
  },
  {
    title: "Time a second",
    of: ({ total_ms, seconds }) => (seconds > 0 ? total_ms / seconds : null),
    format: milliseconds,
  },
  {
    title: "Blocks a call",
    metric: "blocks_per_call",
    of: ({ blocks, calls }) => (calls > 0 ? blocks / calls : null),
    format: compact,
  },
];

const iso = (ms) => new Date(ms).toISOString();

const zoom = (from, to) => setQuery({ from: iso(from), to: iso(to), range: null }, { push: true });

function One({ chart, points, none, step, range, regression, marks }) {
  const [hovered, hover] = useState(null);
  const drawn = useMemo(
    () => points.map((point) => ({ at: point.at, value: chart.of(point) })),
    [points],
  );
  const shown = hovered ?? drawn.at(-1);
  const since = regression && Date.parse(regression.since);
  const said = shown?.value === undefined || shown.value === null
    ? none
    : `${moment(shown.at, serverNow())} · ${chart.format(shown.value)}${
      regression
        ? ` · ${chart.format(regression.before)} before, ${chart.format(regression.after)} since ${
          dateTime(since)
        }`
        : ""
    }`;
  return html`
    <${Panel} title=${chart.title}>
      <${Chart} points=${drawn} step=${step} from=${range.from} to=${range.to}
        format=${chart.format}
        label=${`${chart.title}: ${said}`} sync="statement" height=${140} onZoom=${zoom} onHover=${hover}
        marks=${marks} bands=${regression ? [{ from: since, to: range.to, tone: "warn" }] : []}
        levels=${regression
          ? [{ value: regression.before, tone: "good" }, { value: regression.after, tone: "warn" }]
          : []} />
      <p class="readout">${said}</p>
      <//>
  `;
}

/** The charts of a statement; `regressions` are marked with their cost before and after, their changes as lines. */
export function WorkCharts({ id, regressions }) {
  const range = useRange();
  const step = Math.max(60, Math.ceil(range.seconds / MOST / 60) * 60);
  const whole = step * 1000;
  const from = range.fixed ? range.from : Math.floor(range.from / whole) * whole;
  const to = range.fixed ? range.to : Math.ceil(range.to / whole) * whole;
  const query = new URLSearchParams({ from: iso(from), to: iso(to), step: String(step) });
  const answer = useApi(`/api/database/statements/${encodeURIComponent(id)}/history?${query}`, {
    every: range.fixed ? 0 : 60_000,
    subject: range.fixed ? null : `${id} ${range.name}`,
  });
  const points = useMemo(
    () => (answer.data?.points ?? []).map((point) => ({ ...point, at: Date.parse(point.ts) })),
    [answer.data],
  );
  if (answer.error?.status === 404) {
    return html`<p class="empty">Nothing was recorded of it.</p>`;
  }
  const marks = regressions.flatMap(({ changes }) => changes.map(({ at }) => Date.parse(at)));
  return html`
    <${Trouble} of=${answer} />
    ${answer.data && !answer.data.complete && html`<${Note}>${words(answer.data.detail)}.<//>`}
    ${answer.data && points.length === 0 &&
      html`<${Note}>No history in this range: a minute keeps the 30 statements that took the longest.<//>`}
    <div class="columns two">${CHARTS.map((chart) =>
      html`
        <${One} key=${chart.title} chart=${chart} points=${points} none=${emptyWords(answer)}
          step=${answer.data?.step_seconds ?? step} range=${{ from, to }} marks=${marks}
          regression=${regressions.find(({ metric }) => metric === chart.metric)} />
      `
    )}</div>
  `;
}
