// Metrics that changed most in a window, against the time before it.
import { dateTime } from "../lib/format.js";
import { html, useState } from "../lib/view.js";
import { show } from "../metrics/units.js";
import { Await, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

const round = (ms) => new Date(Math.round(ms / 60_000) * 60_000).toISOString();

/** Asked for by a press: it reads the history of every metric. */
export function Movers({ range, except }) {
  const [asked, set] = useState(null);
  const query = asked && new URLSearchParams(asked);
  const answer = useApi(asked ? `/api/moves?${query}` : null, { deadline: 20_000 });
  const ask = () => {
    const next = { from: round(range.from), to: round(range.to) };
    if (asked?.from === next.from && asked.to === next.to) answer.reload();
    else set(next);
  };
  const rows = (answer.data?.moves ?? []).filter(({ name }) => name !== except);
  const columns = [
    {
      key: "name",
      head: "Metric",
      value: (row) => row.name,
      show: (row) =>
        html`<a href=${`/history?metric=${row.name}&from=${asked.from}&to=${asked.to}`}>${
          row.name.replaceAll("_", " ")
        }</a>`,
    },
    {
      key: "before",
      head: "Before",
      num: true,
      value: (row) => row.before,
      show: (row) => show(row.unit, row.before),
    },
    {
      key: "during",
      head: "In it",
      num: true,
      value: (row) => row.during,
      show: (row) => show(row.unit, row.during),
    },
    {
      key: "score",
      head: "Change",
      num: true,
      value: (row) => row.score,
      show: (row) =>
        `${row.during >= row.before ? "▲" : "▼"} ${
          row.score >= 100 ? "over 100" : row.score.toFixed(1)
        } σ`,
    },
  ];
  return html`
    <${Panel} title="Metrics that changed most"
      aside=${`${
        asked ? `${dateTime(asked.from)} to ${dateTime(asked.to)} UTC` : "this window"
      }, compared with an equally long one before`}
      tools=${html`<button type="button" class="small" onClick=${ask}>${
        asked ? "Ask again" : "Rank"
      }</button>`}>
        <${Trouble} of=${answer} />
        ${asked && html`
          <${Await} of=${answer}>
            <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.name} name="moved"
              label="Changed metrics" empty="No metric changed more than usual." />
            <//>
        `}
      <//>
  `;
}
