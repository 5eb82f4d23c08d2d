// Five seconds: is it all right, since when not, and what to do about it.
import { AlertList } from "../alerts/list.js";
import { sayCheck } from "../health/checks.js";
import { areFiguresSure, atMost, everyVerdict, isOld } from "../health/verdict.js";
import { serverNow } from "../lib/clock.js";
import { dateTime, duration, moment, words } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { Age, useSeconds } from "../parts/age.js";
import { Icon, toneOf } from "../parts/icon.js";
import { Note, Panel } from "../parts/panel.js";
import { runwayLine } from "../partitions/words.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { Figure } from "./figure.js";
import { FIGURES } from "./figure_list.js";
import { backupLine, feedLine } from "./lines.js";
import { Strip } from "./strip.js";

const LISTED = 8;

function Verdict() {
  useSeconds();
  const state = useStore(app);
  const { word, why, known } = everyVerdict(state);
  // What passed when it was last known may fail by now.
  const wordOf = ({ status }) => (known || toneOf(status) !== "good" ? status : "unknown");
  const { health, measuredAt, live, alerts } = state;
  const firing = alerts.filter((one) => one.state === "firing").map((one) =>
    Date.parse(one.started_at)
  );
  const since = firing.length > 0 && ["degraded", "unhealthy"].includes(word)
    ? Math.min(...firing)
    : null;
  const up = health?.uptime === null || !health
    ? null
    : health.uptime + (Date.now() - health.at) / 1000;
  const phase = live.phase === "open"
    ? "live"
    : live.downSince
    ? `down for ${duration(Math.floor((Date.now() - live.downSince) / 1000))}`
    : live.phase;
  return html`
    <section class="verdict" data-tone=${toneOf(word)} data-status=${word}
      aria-labelledby="verdict-word">
        <${Icon} word=${word} size=${44} />
        <div><h1 id="verdict-word">${words(word)}</h1><p>${why}${since !== null &&
          ` Since ${dateTime(since).slice(0, -3)} UTC.`}</p></div>
        <dl class="facts">
          <div><dt>Measured</dt><dd><${Age} at=${measuredAt} none="not yet" /></dd></div>
          <div><dt>Live channel</dt><dd>${phase}</dd></div>
          <div><dt>Version</dt><dd>${health?.version ?? "unknown"}</dd></div>
          <div><dt>Uptime</dt><dd>${up === null ? "unknown" : duration(Math.floor(up))}</dd></div>
        </dl>
        ${health?.checks.length > 0 && html`
          <details class="checks">
            <summary>${health.checks.length} checks${known ? "" : ", as last known"}</summary>
            <ul>${health.checks.map((check) =>
              html`<li><${Icon} word=${wordOf(check)} /><span><b>${check.name}</b> ${
                sayCheck(check)
              }${
                check.detail && sayCheck(check) !== check.detail.replace(/\.$/, "") && html`
                  <span class="faint">(${check.detail})</span>
                `
              }</span></li>`
            )}</ul>
          </details>
        `}
      </section>
  `;
}

function Line({ tone, href, title, children }) {
  return html`
    <li
      class="line"><${Icon} word=${tone} /><a href=${href}><b>${title}</b></a><span>${children}</span></li>
  `;
}

function Lines({ rules }) {
  useSeconds(5_000);
  const state = useStore(app);
  const { database, databaseAt, reportAt } = state;
  const backups = useApi("/api/backups?limit=20", { every: 60_000 });
  const advice = database?.recommendations ?? [];
  const row = ([tone, text], href, title, readAt = databaseAt) =>
    html`<${Line} tone=${atMost(tone, state, readAt)} href=${href} title=${title}>${text}<//>`;
  return html`
    <${Panel} title="Summary">
      <ul class="lines">
        ${row(
          runwayLine(database?.partition_health, rules),
          "/partitions",
          "Runway",
        )}
        ${row(backupLine(backups, rules), "/backups", "Backup", backups.at)}
        ${row(feedLine(database?.ingest, rules.get("feed_stale")), "/feeds", "Feeds", reportAt)}
        ${row(
          advice.length === 0 ? ["info", database ? "nothing to recommend" : "not known"] : [
            "info",
            `${advice.length}: ${advice[0].title}${
              advice.length > 1 ? ` and ${advice.length - 1} more` : ""
            }`,
          ],
          "/storage#advice",
          "Advice",
        )}
      </ul>
      <//>
  `;
}

function Firing() {
  const alerts = useStore(app, (state) => state.alerts);
  const complete = useStore(app, (state) => state.alertsComplete);
  const firing = alerts.filter(({ state }) => state === "firing");
  const pending = alerts.filter(({ state }) => state === "pending").length;
  const isSure = useStore(app, (state) => areFiguresSure(state));
  const none = complete === null
    ? "Asking what fires."
    : complete && isSure
    ? "No alert is firing."
    : "No alert is firing as far as known; the list may be out of date.";
  const aside = [
    firing.length > 0 ? `${firing.length} firing` : null,
    pending > 0 ? `${pending} pending` : null,
  ].filter(Boolean).join(", ");
  return html`
    <${Panel} title="Alerts" aside=${aside} tools=${html`<a href="/alerts">All alerts</a>`}>
      <${AlertList} alerts=${firing} most=${LISTED} none=${none} />
      <//>
  `;
}

export function Page() {
  const database = useStore(app, (state) => state.database);
  const readAt = useStore(
    app,
    ({ databaseAt, reportAt }) => (databaseAt !== null && isOld(reportAt) ? reportAt : null),
  );
  const answer = useApi("/api/alerts/rules", { every: 300_000 });
  const rules = new Map((answer.data?.rules ?? []).map((rule) => [rule.name, rule]));
  return html`
    <${Verdict} />
    <${Firing} />
    ${readAt !== null &&
      html`<${Note}>Feeds, advice and perhaps the figures are of ${
        moment(readAt, serverNow())
      } UTC.<//>`}
    <section class="figures" aria-label="Figures">${FIGURES.map((figure) =>
      html`
        <${Figure} key=${figure.metric} figure=${figure} rule=${rules.get(
          figure.rule,
        )} metrics=${database?.performance_metrics ?? {}}
          pool=${database?.connection_pool ?? {}} />
      `
    )}</section>
    <div class="columns two">
      <${Lines} rules=${rules} />
      <${Strip} />
    </div>
  `;
}
