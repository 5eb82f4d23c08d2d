// Alerts in groups: one line a rule, its members inside, the worst and newest first.
import { serverNow } from "../lib/clock.js";
import { duration, moment } from "../lib/format.js";
import { html, useState } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Icon, toneOf } from "../parts/icon.js";
import { AlertActions } from "./actions.js";
import { groupAlerts, groupWords } from "./groups.js";
import { scopeWords } from "./words.js";

const MOST = 50;

/** What is known of an alert besides its message, in one line. */
export function AlertFacts({ alert }) {
  const over = alert.state === "resolved";
  const at = (time) => moment(time, serverNow());
  const lasted = (Date.parse(alert.resolved_at) - Date.parse(alert.started_at)) / 1000;
  return html`<p class="facts-line">
    ${alert.state === "pending" && html`<span>pending</span>`}
    <span>${
    over
      ? html`over <${Age} at=${alert.resolved_at} />, fired for ${duration(lasted)}`
      : html`since ${at(alert.started_at)}, <${Age} at=${alert.started_at} />`
  }</span>
    ${alert.scope && html`<span>${scopeWords(alert.scope)}</span>`}
    ${
    alert.acknowledged_at &&
    html`<span>acknowledged ${at(alert.acknowledged_at)}${
      alert.acknowledged_by ? ` by ${alert.acknowledged_by}` : ""
    }</span>`
  }
    ${alert.silenced_by && html`<span>silenced: channels are not notified</span>`}
    ${alert.inhibited_by && html`<span>follows from ${alert.inhibited_by}</span>`}
    ${
    alert.unknown_since &&
    html`<span class="tone-unknown">value unknown since ${at(alert.unknown_since)}</span>`
  }
    ${alert.flapping && html`<span>flapping</span>`}
  </p>`;
}

function Member({ alert }) {
  return html`
    <li class="member" data-tone=${alert.state === "resolved" ? "good" : toneOf(alert.severity)}>
      <a href=${`/alerts/${encodeURIComponent(alert.id)}`}>${alert.message ?? alert.alert_type}</a>
      <${AlertFacts} alert=${alert} />
    </li>
  `;
}

function Group({ group }) {
  const [shown, more] = useState(MOST);
  const [first] = group.alerts;
  const over = group.state === "resolved";
  const word = over ? "resolved" : group.severity;
  const alone = group.alerts.length === 1;
  const quiet = group.acknowledged || over || group.state === "pending";
  return html`<article class="alert" data-tone=${
    group.state === "pending" ? "unknown" : toneOf(word)
  } data-quiet=${quiet}>
    <div class="alert-head">
      <span class=${`badge tone-${toneOf(word)}`}><${Icon} word=${word} />${word}</span>
      <h3>${
    alone
      ? html`<a href=${`/alerts/${encodeURIComponent(first.id)}`}>${groupWords(group)}</a>`
      : groupWords(group)
  }</h3>
      ${!over && html`<${AlertActions} alerts=${group.alerts} />`}
    </div>
    ${
    alone ? html`<${AlertFacts} alert=${first} />` : html`
      <p class="facts-line"><span>newest <${Age} at=${group.newest} /></span>${group.silenced &&
        html`<span>silenced</span>`}${group.acknowledged && html`<span>acknowledged</span>`}</p>
      <details><summary>${group.alerts.length} alerts</summary><ul class="members">${group.alerts
        .slice(0, shown).map((alert) => html`<${Member} key=${alert.id} alert=${alert} />`)}</ul>
      ${group.alerts.length > shown &&
        html`<button type="button" class="small" onClick=${() => more(shown + MOST)}>Show ${
          Math.min(MOST, group.alerts.length - shown)
        } more</button>`}</details>
    `
  }
  </article>`;
}

/** The alerts as groups, at most `most` of them. */
export function AlertList({ alerts, most = 100, none = "No alert is firing." }) {
  const groups = groupAlerts(alerts);
  if (groups.length === 0) return html`<p class="empty">${none}</p>`;
  return html`<div class="alert-list">${
    groups.slice(0, most).map((group) =>
      html`<${Group} key=${`${group.rule} ${group.state}`} group=${group} />`
    )
  }
    ${
    groups.length > most &&
    html`<p class="faint"><a href="/alerts">${groups.length - most} more groups</a></p>`
  }</div>`;
}
