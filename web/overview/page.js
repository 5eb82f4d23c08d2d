// Five seconds: is it all right, since when not, and what to do about it.
import { AlertList } from "../alerts/list.js";
import { sayCheck } from "../health/checks.js";
import { atMost, everyVerdict } from "../health/verdict.js";
import { serverNow } from "../lib/clock.js";
import { ago, bytes, counted, dateTime, duration, words } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { toneFor } from "../metrics/units.js";
import { Age, useSeconds } from "../parts/age.js";
import { Icon, toneOf } from "../parts/icon.js";
import { Panel } from "../parts/panel.js";
import { runwayLine } from "../partitions/words.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { Figure } from "./figure.js";
import { FIGURES } from "./figure_list.js";
import { Strip } from "./strip.js";

const LISTED = 8;

function Verdict() {
  useSeconds();
  const state = useStore(app);
  const { word, why } = everyVerdict(state);
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
            <summary>${health.checks.length} checks</summary>
            <ul>${health.checks.map((check) =>
              html`<li><${Icon} word=${check.status} /><span><b>${check.name}</b> ${
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

function backupLine(answer, rules) {
  if (!answer.data) {
    return ["unknown", answer.error ? "the list of backups cannot be read" : "asking"];
  }
  const done = answer.data.backups.filter(({ status }) => status === "complete");
  const running = answer.data.backups.some(({ status }) => status === "running");
  const failed = answer.data.backups[0]?.status === "failed" ? "the last backup failed; " : "";
  if (done.length === 0) {
    if (failed) return ["bad", `${failed}there is no other`];
    return [running ? "info" : "warn", running ? "the first backup is running" : "no backup yet"];
  }
  const last = serverNow() - Date.parse(done[0].finished_at);
  const proven =
    done.filter(({ proven_at }) => proven_at).map(({ proven_at }) => Date.parse(proven_at)).sort((
      a,
      b,
    ) => b - a)[0];
  const age = toneFor(rules.get("backup_age"), last / 1000);
  const proof = proven
    ? toneFor(rules.get("backup_unproven"), (serverNow() - proven) / 1000)
    : "warn";
  const tone =
    ["bad", "warn", "unknown"].find((one) => [age, proof, failed && "warn"].includes(one)) ??
      (age === "plain" ? "info" : "good");
  return [
    tone,
    `${failed}taken ${ago(last)}, ${bytes(done[0].bytes)}; ${
      proven ? `restored on trial ${ago(serverNow() - proven)}` : "never restored on trial"
    }`,
  ];
}

function feedLine(ingest, rule) {
  const feeds = ingest?.feeds ?? [];
  if (!ingest) return ["unknown", "not known"];
  if (feeds.length === 0) return ["info", "no ticks since the start"];
  const oldest = feeds.toSorted((a, b) => (b.age_seconds ?? 0) - (a.age_seconds ?? 0))[0];
  const tone = toneFor(rule, oldest.age_seconds);
  const refused = ingest.quarantined > 0
    ? `; ${counted(ingest.quarantined, "row")} quarantined`
    : "";
  return [
    tone === "plain" ? "info" : tone,
    `${counted(feeds.length, "symbol")}, the oldest ${oldest.symbol} ${
      duration(oldest.age_seconds)
    } old${refused}`,
  ];
}

function Lines({ rules }) {
  useSeconds(5_000);
  const state = useStore(app);
  const { database } = state;
  const backups = useApi("/api/backups?limit=20", { every: 60_000 });
  const advice = database?.recommendations ?? [];
  const row = ([tone, text], href, title) =>
    html`<${Line} tone=${atMost(tone, state)} href=${href} title=${title}>${text}<//>`;
  return html`
    <${Panel} title="Summary">
      <ul class="lines">
        ${row(
          runwayLine(database?.partition_health, rules),
          "/partitions",
          "Runway",
        )}
        ${row(backupLine(backups, rules), "/backups", "Backup")}
        ${row(feedLine(database?.ingest, rules.get("feed_stale")), "/feeds", "Feeds")}
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
  const { known } = everyVerdict(app.get());
  const none = complete === null
    ? "Asking what fires."
    : complete && known
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
  const answer = useApi("/api/alerts/rules", { every: 300_000 });
  const rules = new Map((answer.data?.rules ?? []).map((rule) => [rule.name, rule]));
  return html`
    <${Verdict} />
    <${Firing} />
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
