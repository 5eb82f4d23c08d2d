// The alerts panel: what fires first, then what is about to, then what is over.
import { request, requestList } from "./api.js";
import { createAlertCard } from "./alert_card.js";
import { overWords } from "./alert_words.js";
import { everySecond, serverNow } from "./clock.js";
import { byId, h, keyedList, setHidden, setText } from "./dom.js";
import { icon } from "./icons.js";
import { createPanel } from "./panel.js";
import { poll } from "./poll.js";

const SEVERITIES = ["critical", "warning", "info"];
const MOST_ACTIVE = 200;
const MOST_RESOLVED = 50;
const TOAST_AGE_MS = 60_000;

const rank = (alert) => {
  const at = SEVERITIES.indexOf(alert.severity);
  return (alert.state === "firing" ? 0 : 10) + (at < 0 ? 5 : at);
};

/** Creates the panel; `toast(text, severity)` tells of what the live channel brings. */
export function createAlerts({ toast }) {
  const panel = createPanel(byId("alerts"));
  const resolvedBox = byId("alerts-resolved");
  const updateActive = keyedList(byId("alerts-active"), (alert) => alert.id, makeCard);
  const updateResolved = keyedList(
    resolvedBox.querySelector(".alert-list"),
    (alert) => alert.id,
    makeCard,
  );
  const none = h(
    "p",
    { class: "empty", hidden: true },
    icon("healthy", 16),
    " No alert is firing.",
  );
  byId("alerts-active").after(none);
  let alerts = new Map();
  const cards = new Set();
  const told = new Set(); // `id state severity` already shown as a toast
  let asking = 0;
  let listed = false;

  const feed = poll({
    every: 10_000,
    async run() {
      // Apart, so that an old alert that still fires is not lost behind many that are over.
      const firing = await requestList("/api/alerts?state=firing", "alerts", 3);
      replace([...firing, ...[...alerts.values()].filter(({ state }) => state === "resolved")]);
      const page = await request("/api/alerts");
      listed = true;
      panel.answered();
      if (page.complete) replace([...firing, ...page.alerts]);
      else panel.stale("The database is away: what fires is up to date, what has ended is not.");
    },
    failed(error) {
      listed = false;
      panel.failed(error);
    },
  });

  function replace(found) {
    const known = found.filter((one) => one?.id !== undefined);
    alerts = new Map(known.map((one) => [String(one.id), one]));
    for (const alert of known) remember(alert);
    render();
  }

  function makeCard() {
    const card = createAlertCard({ changed: (alert) => take(alert), again: () => feed.poke() });
    cards.add(card);
    return { ...card, close: () => cards.delete(card) };
  }

  function take(alert) {
    alerts.set(String(alert.id), { ...alerts.get(String(alert.id)), ...alert });
    render();
  }

  function render() {
    const all = [...alerts.values()];
    const active = all.filter((alert) => alert.state !== "resolved")
      .sort((a, b) => rank(a) - rank(b) || Date.parse(a.started_at) - Date.parse(b.started_at))
      .slice(0, MOST_ACTIVE);
    const resolved = all.filter((alert) => alert.state === "resolved")
      .sort((a, b) => Date.parse(b.resolved_at) - Date.parse(a.resolved_at))
      .slice(0, MOST_RESOLVED);
    alerts = new Map([...active, ...resolved].map((alert) => [String(alert.id), alert]));
    updateActive(active);
    updateResolved(resolved);
    setHidden(none, active.length > 0);
    setHidden(resolvedBox, resolved.length === 0);
    setText(resolvedBox.querySelector("summary"), `Resolved recently (${resolved.length})`);
    const firing = active.filter((alert) => alert.state === "firing");
    const count = byId("alert-count");
    setHidden(count, firing.length === 0);
    setText(count, `${firing.length}`);
    count.dataset.severity = firing[0]?.severity ?? "";
    setText(byId("alerts-summary"), summary(firing, active.length - firing.length));
    tick();
  }

  /** Marks an alert's state as told; answers whether it is news. */
  function remember(alert) {
    const key = `${alert.id} ${alert.state} ${alert.severity}`;
    const news = !told.has(key);
    told.add(key);
    if (told.size > 1_000) told.delete(told.values().next().value);
    return news;
  }

  function tick() {
    for (const card of cards) card.tick();
  }

  everySecond(tick);
  return {
    /** A `performance_alert` frame: shown at once, then asked for in full. */
    heard(data, ts) {
      if (!data || typeof data !== "object") return;
      const recent = !(serverNow() - Date.parse(ts) > TOAST_AGE_MS);
      const news = data.id === undefined || remember(data);
      if (data.id !== undefined) take(data);
      if (news && recent && data.state !== "pending") {
        if (data.state === "resolved") toast(overWords(data), "resolved");
        else {
          const text = data.message ?? data.alert_type ?? "An alert changed";
          toast(String(text), data.severity ?? "alert");
        }
      }
      clearTimeout(asking);
      asking = setTimeout(() => feed.poke(), 500);
    },
    /** What fires according to /api/health/database, which answers also while the list cannot. */
    fromHealth(firing) {
      if (listed || !Array.isArray(firing)) return;
      const over = [...alerts.values()].filter((alert) => alert.state === "resolved");
      replace([...firing, ...over]);
    },
    poke: feed.poke,
  };
}

function summary(firing, pending) {
  const by = SEVERITIES.map((severity) => [
    firing.filter((alert) => alert.severity === severity).length,
    severity,
  ]).filter(([count]) => count > 0).map(([count, severity]) => `${count} ${severity}`);
  if (pending > 0) by.push(`${pending} pending`);
  return by.join(", ");
}
