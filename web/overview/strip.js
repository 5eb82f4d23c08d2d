// The last day at a glance: what fired, and what changed, on one line of time.
import { changeWords } from "../history/change_words.js";
import { serverNow } from "../lib/clock.js";
import { clock, dateTime, duration, hourMinute } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { Panel } from "../parts/panel.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";

const DAY_MS = 86_400_000;
const MOST = 150;
const LANES = [["alerts", "Alerts"], ["changes", "Changes"], ["rotation", "Rotations"]];
function marksOf(alerts, changes, log, from) {
  const bars = alerts.filter(({ state }) => state !== "pending")
    .map((alert) => ({
      lane: "alerts",
      from: Date.parse(alert.started_at),
      to: Date.parse(alert.resolved_at ?? "") || null,
      tone: alert.severity === "critical" ? "bad" : "warn",
      words: `${alert.severity}: ${alert.message}`,
      href: `/alerts/${alert.id}`,
    }));
  const points = changes.map((change) => ({
    lane: "changes",
    from: Date.parse(change.at),
    to: Date.parse(change.at),
    tone: change.kind === "mark" ? "info" : "unknown",
    words: changeWords(change),
  }));
  const rotations = new Map();
  for (const entry of log) {
    const key = `${entry.table} ${entry.action} ${entry.at.slice(0, 16)}`;
    const one = rotations.get(key) ??
      {
        lane: "rotation",
        from: Date.parse(entry.at),
        to: Date.parse(entry.at),
        tone: entry.error ? "bad" : "info",
        count: 0,
        entry,
      };
    one.count += 1;
    one.words = `${entry.table}: ${entry.action} ${
      one.count > 1 ? `${one.count} partitions` : entry.partition ?? ""
    }${entry.error ? `, failed: ${entry.error}` : ""}`;
    one.href = `/partitions/${encodeURIComponent(entry.table)}`;
    rotations.set(key, one);
  }
  return [...bars, ...points, ...rotations.values()].filter((one) => (one.to ?? Infinity) >= from)
    .sort((a, b) => b.from - a.from).slice(0, MOST);
}

/** Says how much the strip shows, and nothing of what is not known. */
export function summaryWords(count, { isAsked, hasFailed }) {
  const point = "point at one, or use Tab to step through them";
  const events = `${count} ${count === 1 ? "event" : "events"}`;
  if (hasFailed) {
    return count === 0
      ? "What fired and what changed is not known in full."
      : `${events}, and perhaps more that could not be read; ${point}.`;
  }
  if (!isAsked) return count === 0 ? "Asking." : `${events} so far; ${point}.`;
  return count === 0 ? "Nothing fired and nothing changed." : `${events}; ${point}.`;
}

export function Strip() {
  const alerts = useStore(app, (state) => state.alerts);
  const complete = useStore(app, (state) => state.alertsComplete);
  const changes = useApi("/api/changes?limit=100", {
    every: 60_000,
    soon: useStore(app, ({ alerts: list }) => list.length),
  });
  const log = useApi("/api/partitions/log?limit=20", { every: 120_000 });
  const [said, say] = useState(null);
  const now = serverNow();
  const from = now - DAY_MS;
  const marks = marksOf(alerts, changes.data?.changes ?? [], log.data?.entries ?? [], from);
  const at = (ms) => `${(Math.max(0, Math.min(1, (ms - from) / DAY_MS)) * 100).toFixed(2)}%`;
  const place = (one) => {
    const end = one.to ?? now;
    const left = at(Math.max(from, one.from));
    return { left, width: one.lane === "alerts" ? `max(5px, calc(${at(end)} - ${left}))` : "5px" };
  };
  const tell = (one) =>
    say(
      `${dateTime(one.from)} · ${one.words}${
        one.lane === "alerts"
          ? one.to ? ` · ${duration((one.to - one.from) / 1000)}` : " · still fires"
          : ""
      }`,
    );
  const mark = (one) => {
    const events = {
      onPointerEnter: () => tell(one),
      onFocus: () => tell(one),
      title: one.words,
      style: place(one),
      class: `mark tone-${one.tone}`,
    };
    return one.href
      ? html`<a ...${events} href=${one.href} aria-label=${`${
        hourMinute(one.from)
      } ${one.words}`} />`
      : html`<span ...${events} tabindex="0" role="img" aria-label=${`${
        hourMinute(one.from)
      } ${one.words}`} />`;
  };
  const hours = Array.from({ length: 5 }, (_, index) => from + (index * DAY_MS) / 4);
  return html`
    <${Panel} title="Last 24 hours" aside="alerts, changes of the server, rotations">
      <div class="strip">
          ${LANES.map(([lane, name]) =>
            html`
              <div class="lane"
                key=${lane}><span class="lane-name">${name}</span><div class="lane-marks">${marks
                  .filter((one) => one.lane === lane).map(mark)}</div></div>
            `
          )}
          <div class="lane hours" aria-hidden="true"><span class="lane-name" /><div class="lane-marks">${hours
            .map((hour, index) =>
              html`<span style=${{ left: at(hour) }} data-at=${index}>${
                index === 4 ? "now" : clock(hour).slice(0, 5)
              }</span>`
            )}</div></div>
        </div>
      <p class="readout" aria-live="polite">${said ??
        summaryWords(marks.length, {
          isAsked: complete !== null && changes.data && log.data,
          hasFailed: complete === false || changes.error || log.error,
        })}</p>
      <//>
  `;
}
