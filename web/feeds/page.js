// Feeds by symbol: freshness, volume, refused rows.
import { useAtMost } from "../health/limit.js";
import { serverNow } from "../lib/clock.js";
import { compact, counted, duration, number, words } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { levelWords, toneFor } from "../metrics/units.js";
import { Age, useSeconds } from "../parts/age.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";

const reasons = (by) =>
  Object.entries(by ?? {}).filter(([, count]) => count > 0).map(([reason, count]) =>
    `${number(count)} ${words(reason).toLowerCase()}`
  ).join(", ");

export function Page() {
  useSeconds(2_000);
  const answer = useApi("/api/health/feeds", { every: 10_000 });
  const rules = useApi("/api/alerts/rules", { every: 300_000 }).data?.rules ?? [];
  const rule = rules.find(({ name }) => name === "feed_stale");
  const database = useStore(app, (state) => state.database);
  const { data } = answer;
  const atMost = useAtMost();
  const age = (row) =>
    row.last_tick_at ? Math.max(0, (serverNow() - Date.parse(row.last_tick_at)) / 1000) : null;
  const columns = [
    {
      key: "symbol",
      head: "Symbol",
      value: (row) => row.symbol,
      show: (row) =>
        html`<a href=${`/market?symbol=${encodeURIComponent(row.symbol)}`}>${row.symbol}</a>`,
    },
    {
      key: "age",
      head: "Newest tick",
      num: true,
      value: (row) => age(row),
      show: (row) =>
        html`<${Icon} word=${atMost(toneFor(rule, age(row)))} size=${14} /> ${
          age(row) === null ? "unknown" : `${duration(Math.floor(age(row)))} old`
        }`,
    },
    {
      key: "received",
      head: "Last received",
      num: true,
      value: (row) => Date.parse(row.last_received_at),
      show: (row) => html`<${Age} at=${row.last_received_at} />`,
    },
    {
      key: "accepted",
      head: "Stored",
      num: true,
      value: (row) => row.accepted,
      show: (row) => number(row.accepted),
    },
    {
      key: "quarantined",
      head: "Quarantined",
      num: true,
      value: (row) => row.quarantined,
      show: (row) =>
        row.quarantined > 0
          ? html`<a href=${`/quarantine?symbol=${encodeURIComponent(row.symbol)}`}>${
            number(row.quarantined)
          }</a>`
          : "0",
    },
    { key: "why", head: "Why", value: (row) => reasons(row.by_reason), wide: true },
  ];
  const others = data
    ? [["other symbols", data.other], ["rows of no readable symbol", data.unreadable]].filter((
      [, one],
    ) => one.accepted + one.quarantined > 0)
    : [];
  const ticks = database?.performance_metrics?.ticks_per_second;
  return html`
    <${PageHead} title="Feeds" aside=${data
      ? html`${counted(data.feeds.length, "symbol")} since the start <${Age} at=${data.since} />; ${
        typeof ticks === "number" ? `${compact(ticks)} ticks a second` : "rate unknown"
      }`
      : ""} tools=${html`<a href="/quarantine">Quarantine</a>`} />
    <${Panel} title="By symbol" aside=${rule ? `judged by ${rule.name}: ${levelWords(rule)}` : ""}>
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
          <${Table} columns=${columns} rows=${data?.feeds ?? []} keyOf=${(row) =>
            row
              .symbol} sort="age" label="Feeds" empty="No tick was received since Holdfast started." />
          ${others.map(([name, one]) =>
            html`<p class="faint">${name}: ${number(one.accepted)} stored, ${
              number(one.quarantined)
            } quarantined ${reasons(one.by_reason)}</p>`
          )}
        <//><//>
  `;
}
