// State that all pages share: status, figures, alerts, live channel, signed-in user, and whether the page is paused.
import { overWords } from "./alerts/words.js";
import { readChecks } from "./health/checks.js";
import { contact, request, requestList } from "./lib/api.js";
import { learnServerTime, serverNow } from "./lib/clock.js";
import { livePath } from "./lib/database.js";
import { createLive } from "./lib/live.js";
import { createStore } from "./lib/store.js";

const HEALTH_MS = 20_000;
/** The live channel brings the metrics, but neither feeds nor advice; while it is down it brings nothing. */
const DATABASE_MS = 60_000;
const DATABASE_ALONE_MS = 20_000;
const ALERTS_RETRY_MS = 15_000;
const LATE_MS = 60_000;
/** What database_performance has of the report on the database. */
const PUSHED = ["connection_pool", "performance_metrics", "partition_health", "overall_status"];
/** What changes of an alert without an event. */
const UNANNOUNCED = ["message", "value", "unknown_since", "flapping"];
const FRESH_TOAST_MS = 60_000;
const MOST_ALERTS = 1_000;

export const app = createStore({
  /** `{ status, checks, version, uptime, at }` of the last answer; null before one. */
  health: null,
  /** Why the last question about health failed; null when it did not. */
  failing: null,
  measuredAt: null,
  /** The last /api/health/database with the last database_performance, the time of the newer one, and of the first. */
  database: null,
  databaseAt: null,
  reportAt: null,
  alerts: [],
  /** Whether `alerts` is all that there is; null before the first answer. And whether the last question had none. */
  alertsComplete: null,
  alertsFailed: false,
  live: { phase: "connecting", downSince: null, retryAt: null },
  paused: false,
  role: null,
  signedIn: false,
  sessionKnown: false,
  toasts: [],
  frames: {},
});

let toasts = 0;
export function toast(text, word = "info") {
  const one = { id: ++toasts, text: String(text), word };
  app.set({ toasts: [...app.get().toasts, one].slice(-3) });
  setTimeout(() => dismiss(one.id), 9_000);
}
export function dismiss(id) {
  app.set({ toasts: app.get().toasts.filter((one) => one.id !== id) });
}

/** Notes how old the snapshot is, from whichever answer says so. */
function measured(answer) {
  const at = Date.parse(answer?.checked_at ?? "");
  if (!Number.isFinite(at)) return;
  if (Number.isFinite(answer.age_ms)) learnServerTime(at + answer.age_ms);
  app.set({ measuredAt: at });
}

let asking = false;
let askAgain = false;
/** Asks for the status. If it is asked for already, once more: that answer may be from before what the caller knows. */
export async function askHealth() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const health = await request("/api/health", { also: [503] });
    measured(health);
    app.set({
      failing: null,
      health: {
        status: String(health?.status ?? "unknown"),
        mode: health?.mode ?? null,
        role: health?.role ?? null,
        checks: readChecks(health?.checks),
        version: health?.version ?? null,
        uptime: health?.uptime_seconds ?? null,
        at: Date.now(),
      },
    });
  } catch (error) {
    app.set({ failing: error });
  }
  asking = false;
  if (askAgain) {
    askAgain = false;
    askHealth();
  }
}

/** Merges what is known of the database as of `at`, ms of the server's clock. What was pushed later stays. */
function takeDatabase(data, at) {
  const { database, databaseAt, reportAt } = app.get();
  const behind = databaseAt === null ? 0 : databaseAt - at;
  // What is much older is of a Holdfast with another clock.
  const late = behind > 0 && behind < LATE_MS;
  const taken = Object.entries(data ?? {}).filter(([name]) => !late || !PUSHED.includes(name));
  app.set({
    database: { ...database, ...Object.fromEntries(taken) },
    databaseAt: late ? databaseAt : at,
    reportAt: data?.ingest ? at : reportAt,
  });
}

let databaseAskedAt = 0;
export async function askDatabase() {
  databaseAskedAt = Date.now();
  try {
    const answer = await request("/api/health/database", { also: [503] });
    measured(answer);
    takeDatabase(answer, serverNow());
    if (Array.isArray(answer?.alerts)) takeFiring(answer.alerts);
  } catch {
    // The verdict says what is wrong; the figures keep their age.
  }
}

/** Takes the present values of what fires. If other alerts fire than those listed, an event was missed: asks for all. */
function takeFiring(firing) {
  if (listing !== 0 || listsOpen > 0) return;
  const present = new Map(firing.map((alert) => [alert.id, alert]));
  const { alerts } = app.get();
  const listed = alerts.filter(({ state }) => state === "firing");
  const same = listed.length === Math.min(present.size, MOST_ALERTS) &&
    listed.every(({ id }) => present.has(id));
  if (!same) askAlerts();
  else if (listed.length > 0) {
    const update = (alert) => {
      const now = present.get(alert.id);
      return now
        ? { ...alert, ...Object.fromEntries(UNANNOUNCED.map((name) => [name, now[name]])) }
        : alert;
    };
    app.set({ alerts: alerts.map(update) });
  }
}

let listing = 0;
let listsAsked = 0;
let listsOpen = 0;
let listTaken = 0;
/** Asks for the alerts, soon and once for many reasons to ask; again while there is no answer. */
export function askAlerts(wait = 0) {
  clearTimeout(listing);
  listing = setTimeout(async () => {
    listing = 0;
    const mine = ++listsAsked;
    listsOpen += 1;
    try {
      const page = await request("/api/alerts?limit=200");
      // What fires may be older than the newest two hundred.
      const firing = page?.next_cursor
        ? await requestList("/api/alerts?state=firing&limit=1000", "alerts")
        : [];
      const known = new Map(
        [...firing, ...(page?.alerts ?? [])].map((alert) => [String(alert.id), alert]),
      );
      // A later question was answered sooner.
      if (mine < listTaken) return;
      listTaken = mine;
      for (const alert of known.values()) isNews(alert);
      app.set({
        alerts: [...known.values()].slice(0, MOST_ALERTS),
        alertsComplete: page?.complete !== false,
        alertsFailed: false,
      });
    } catch {
      if (mine < listTaken) return;
      app.set({ alertsComplete: false, alertsFailed: true });
      // Without an event nothing else asks again.
      if (listing === 0) askAlerts(ALERTS_RETRY_MS);
    } finally {
      listsOpen -= 1;
    }
  }, wait);
}

/** Puts a changed alert in its place at once. */
export function takeAlert(alert) {
  const others = app.get().alerts.filter(({ id }) => id !== alert.id);
  const before = app.get().alerts.find(({ id }) => id === alert.id);
  app.set({ alerts: [{ ...before, ...alert }, ...others].slice(0, MOST_ALERTS) });
}

const told = new Set();
function isNews(alert) {
  const key = `${alert.id} ${alert.state} ${alert.severity}`;
  if (told.has(key)) return false;
  told.add(key);
  if (told.size > 2_000) told.delete(told.values().next().value);
  return true;
}

/** What a performance_alert frame does: shown at once, spoken of when it is new, asked for in full. */
function heardAlert(data, ts) {
  if (!data || typeof data !== "object") return;
  const fresh = !(serverNow() - Date.parse(ts) > FRESH_TOAST_MS);
  if (data.rule === "test" || data.change === "test") {
    // The newest frame is sent again to each new page.
    if (fresh) toast(`Test notification, nothing is wrong: ${data.message ?? "a sample"}`, "info");
    return;
  }
  if (data.id === undefined) return;
  const news = isNews(data);
  takeAlert(data);
  if (news && fresh && data.state !== "pending") {
    if (data.state === "resolved") toast(overWords(data), "resolved");
    else toast(data.message ?? data.alert_type, data.severity);
  }
  // Each new page gets the newest frame again, although it has just requested all alerts.
  if (fresh) askAlerts(800);
}

const HEARD_BY = {
  // It is sent during an outage too: that it comes does not mean that something was measured.
  database_performance({ data, ts }) {
    const at = Date.parse(ts ?? "");
    takeDatabase(data, Number.isFinite(at) ? at : serverNow());
    if (data?.overall_status && data.overall_status !== app.get().health?.status) askHealth();
  },
  performance_alert: ({ data, ts }) => heardAlert(data, ts),
};

let sessionAsked = false;
/** Asks who is signed in, until it is known: which controls are offered depends on it. */
async function askSession() {
  if (sessionAsked) return;
  sessionAsked = true;
  try {
    const session = await request("/api/session", { login: false });
    document.documentElement.dataset.role = session?.role ?? "";
    app.set({ sessionKnown: true, role: session?.role ?? null, signedIn: Boolean(session?.role) });
  } catch {
    sessionAsked = false;
  }
}

/** Asks for all that the pages share. */
export function refresh() {
  askHealth();
  askDatabase();
  askAlerts();
  askSession();
}

/** Starts all that runs as long as the page does; answers the live channel. */
export function startState() {
  let opened = 0;
  const channel = createLive({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${livePath}`,
    onFrame(frame) {
      HEARD_BY[frame.type]?.(frame);
      app.set({ frames: { ...app.get().frames, [frame.type]: frame } });
    },
    onState(live) {
      app.set({ live });
      if (live.phase !== "open") return;
      opened += 1;
      if (opened > 1) refresh();
    },
    onMissed: () => refresh(),
  });
  refresh();
  // Holdfast stopped answering, or answers again.
  contact.listeners.add(() => contact.silent ? askHealth() : refresh());
  setInterval(() => {
    const { health, failing, live } = app.get();
    const due = document.hidden ? 60_000 : failing ? 5_000 : HEALTH_MS;
    if (!health || failing || Date.now() - health.at >= due - 500) askHealth();
    const rest = live.phase === "open" ? DATABASE_MS : DATABASE_ALONE_MS;
    if (!document.hidden && !failing && Date.now() - databaseAskedAt >= rest - 500) askDatabase();
  }, 5_000);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  return channel;
}
