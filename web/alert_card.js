// One alert that explains itself: what, since when, why, and what to run.
import { sqlBlock } from "./advice.js";
import { createAlertActions } from "./alert_actions.js";
import { plain, scopeWords } from "./alert_words.js";
import { serverNow } from "./clock.js";
import { h, setHidden, setText } from "./dom.js";
import { ago, clock, dateTime, duration, number } from "./format.js";
import { icon, toneOf } from "./icons.js";

/** A keyed row. `changed(alert)` hears the alert as acknowledged; `again()` asks for the list. */
export function createAlertCard({ changed, again }) {
  const badge = h("span", { class: "badge" });
  const message = h("h3");
  const meta = h("p", { class: "card-facts" });
  let alert = {};
  const actions = createAlertActions({ current: () => alert, changed, again });
  const body = h("div", { class: "alert-body" });
  const details = h("details", {}, h("summary", {}, "Evidence, cause and cure"), body);
  const node = h(
    "article",
    { class: "alert" },
    h("div", { class: "alert-head" }, badge, message, ...actions.buttons),
    meta,
    actions.trouble,
    details,
  );
  let first = true;
  let version = "";

  function tick() {
    const started = Date.parse(alert.started_at);
    const resolved = Date.parse(alert.resolved_at ?? "");
    const acknowledged = Date.parse(alert.acknowledged_at ?? "");
    const parts = [];
    if (Number.isFinite(resolved)) {
      parts.push(`resolved ${ago(Math.max(0, serverNow() - resolved))}`);
      if (Number.isFinite(started)) {
        parts.push(`fired for ${duration((resolved - started) / 1000)}`);
      }
    } else if (Number.isFinite(started)) {
      parts.push(`since ${clock(started)}, ${ago(Math.max(0, serverNow() - started))}`);
    }
    if (Number.isFinite(acknowledged)) parts.push(`acknowledged ${clock(acknowledged)}`);
    if (alert.silenced_by) parts.push("silenced: channels are not told");
    if (typeof alert.value === "number") {
      const limit = typeof alert.threshold === "number"
        ? ` (limit ${number(alert.threshold)})`
        : "";
      parts.push(`reading ${number(alert.value)}${limit}`);
    }
    if (alert.scope) parts.push(scopeWords(alert.scope));
    if (alert.rule) parts.push(`rule ${alert.rule}`);
    setText(meta, parts.join(" · "));
    meta.title = Number.isFinite(started) ? `started ${dateTime(started)} UTC` : "";
  }

  return {
    node,
    tick,
    update(next) {
      alert = next;
      const over = alert.state === "resolved";
      const word = over ? "resolved" : String(alert.severity ?? "unknown");
      const text = alert.state === "pending" ? `${word}, pending` : word;
      if (badge.textContent !== text) {
        badge.replaceChildren(icon(word, 16), text);
        node.dataset.tone = alert.state === "pending" ? "unknown" : toneOf(word);
      }
      setText(message, alert.message ?? alert.alert_type ?? "Alert");
      actions.update(alert);
      node.dataset.acknowledged = String(Boolean(alert.acknowledged_at));
      const now = JSON.stringify([alert.evidence, alert.cause, alert.cure]);
      if (now !== version) {
        version = now;
        body.replaceChildren(...explanation(alert));
        setHidden(details, body.childElementCount === 0);
      }
      if (first) details.open = word === "critical" && !alert.acknowledged_at;
      first = false;
      tick();
    },
  };
}

function explanation(alert) {
  const parts = [];
  if (isSomething(alert.evidence)) parts.push(section("Evidence", evidence(alert.evidence)));
  if (alert.cause) parts.push(section("Likely cause", h("p", {}, String(alert.cause))));
  const cures = (Array.isArray(alert.cure) ? alert.cure : [alert.cure]).filter((cure) => cure?.sql);
  const columns = parts.length > 0 ? [h("div", { class: "alert-why" }, parts)] : [];
  if (cures.length > 0) {
    const cure = section("What to run", ...cures.slice(0, 10).map(sqlBlock));
    columns.push(h("div", { class: "alert-cure" }, cure));
  }
  return columns;
}

function section(title, ...children) {
  return h("section", {}, h("h4", {}, title), ...children);
}

const isSomething = (value) =>
  value !== null && value !== undefined && value !== "" &&
  !(typeof value === "object" && Object.keys(value).length === 0);

/** Evidence as `[{ name, value }]`, or of any other shape: a sentence, a list, an object. */
function evidence(value) {
  if (Array.isArray(value) && value.every((one) => typeof one?.name === "string")) {
    return pairs(value.map((one) => [one.name, one.value]));
  }
  if (Array.isArray(value)) {
    return h(
      "ul",
      {},
      value.slice(0, 20).map((one) => h("li", {}, plain(one))),
    );
  }
  if (typeof value !== "object") return h("p", {}, String(value));
  return pairs(Object.entries(value));
}

function pairs(entries) {
  return h(
    "dl",
    { class: "pairs" },
    entries.slice(0, 20).map(([name, one]) =>
      h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, plain(one)))
    ),
  );
}
