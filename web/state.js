// State that all pages share: status, figures, alerts, live channel, signed-in user, and whether the page is paused.
import { overWords } from "./alerts/words.js";
import { readChecks } from "./health/checks.js";
import { contact, request, requestList } from "./lib/api.js";
import { learnServerTime, serverNow } from "./lib/clock.js";
import { livePath } from "./lib/database.js";
import { createLive } from "./lib/live.js";
import { createStore } from "./lib/store.js";

const HEALTH_MS = 15_000;
const FRESH_TOAST_MS = 60_000;
const MOST_ALERTS = 1_000;

export const app = createStore({
  /** `{ status, checks, version, uptime, at }` of the last answer; null before one. */
  health: null,
  /** Why the last question about health failed; null when it did not. */
  failing: null,
  measuredAt: null,
  /** The last /api/health/database or database_performance. */
  database: null,
  alerts: [],
  /** Whether `alerts` is all that is known, and which firing ones could not be listed in full. */
  alertsComplete: null,
  live: { phase: "connecting", downSince: null, retryAt: null },
  paused: false,
  role: null,
  signedIn: false,
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
export async function askHealth() {
  if (asking) return;
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
}

export async function askDatabase() {
  try {
    const answer = await request("/api/health/database", { also: [503] });
    measured(answer);
    app.set({ database: answer });
  } catch {
    // The verdict says what is wrong; the figures keep their age.
  }
}

let listing = 0;
/** Asks for the alerts, soon and once for many reasons to ask. */
export function askAlerts(wait = 0) {
  clearTimeout(listing);
  listing = setTimeout(async () => {
    try {
      const page = await request("/api/alerts?limit=200");
      // What fires may be older than the newest two hundred.
      const firing = page?.next_cursor
        ? await requestList("/api/alerts?state=firing&limit=1000", "alerts")
        : [];
      const known = new Map(
        [...firing, ...(page?.alerts ?? [])].map((alert) => [String(alert.id), alert]),
      );
      for (const alert of known.values()) isNews(alert);
      app.set({
        alerts: [...known.values()].slice(0, MOST_ALERTS),
        alertsComplete: page?.complete !== false,
      });
    } catch {
      app.set({ alertsComplete: false });
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
  database_performance({ data, ts }) {
    const at = Date.parse(data?.checked_at ?? ts ?? "");
    const { database, health, measuredAt } = app.get();
    if (!(at < measuredAt)) {
      app.set({
        database: { ...database, ...data },
        measuredAt: Number.isFinite(at) ? at : measuredAt,
      });
    }
    if (data?.overall_status && data.overall_status !== health?.status) askHealth();
  },
  performance_alert: ({ data, ts }) => heardAlert(data, ts),
};

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
  });
  const refresh = () => {
    askHealth();
    askDatabase();
    askAlerts();
  };
  refresh();
  // Holdfast stopped or resumed answering: one request refreshes everything.
  contact.listeners.add(() => askHealth());
  setInterval(() => {
    const { health, failing } = app.get();
    const due = document.hidden ? 60_000 : failing ? 5_000 : HEALTH_MS;
    if (!health || failing || Date.now() - health.at >= due - 500) askHealth();
  }, 5_000);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  request("/api/session", { login: false }).then((session) => {
    document.documentElement.dataset.role = session?.role ?? "";
    app.set({ role: session?.role ?? null, signedIn: Boolean(session?.role) });
  }, () => {});
  return channel;
}
