// The answer to "is it all right?": one word, one reason, and how old that knowledge is.
import { checkRow, explain, readChecks } from "./checks.js";
import { contact, request } from "./api.js";
import { everySecond, learnServerTime, serverNow } from "./clock.js";
import { byId, setHidden, setText } from "./dom.js";
import { ago, clock, duration, words } from "./format.js";
import { icon, toneOf } from "./icons.js";
import { poll } from "./poll.js";

const STALE_MS = 60_000;
const ASLEEP_MS = 75_000;

export function createVerdict() {
  const root = byId("verdict");
  const checkList = byId("verdict-checks").querySelector("ul");
  let seen = null; // the last answer of /api/health: { status, checks, version, uptime, at }
  let measuredAt = null; // server's clock
  let live = { phase: "connecting", downSince: null, retryAt: null };
  let failing = null;
  let announced = null;

  const feed = poll({
    every: 5_000,
    always: true,
    async run() {
      take(await request("/api/health", { also: [503] }));
    },
    failed(error) {
      failing = error;
      render();
    },
  });

  function take(health) {
    failing = null;
    seen = {
      status: String(health?.status ?? health?.overall_status ?? "unknown"),
      checks: readChecks(health?.checks),
      version: health?.version ?? null,
      uptime: health?.uptime_seconds ?? health?.uptime ?? null,
      at: Date.now(),
    };
    measured(health?.checked_at, health?.age_ms);
    render();
  }

  /** Notes how old the snapshot is, from whichever answer says so. */
  function measured(checkedAt, ageMs) {
    const at = Date.parse(checkedAt ?? "");
    const hasAge = typeof ageMs === "number" && Number.isFinite(ageMs);
    if (Number.isFinite(at)) {
      if (hasAge) learnServerTime(at + ageMs);
      measuredAt = at;
    } else if (hasAge) measuredAt = serverNow() - ageMs;
  }

  function render() {
    const age = measuredAt === null ? null : Math.max(0, serverNow() - measuredAt);
    const stale = age !== null && age > STALE_MS;
    const silent = failing !== null && failing.kind !== "http";
    // Old knowledge may not look healthy; bad news stays bad news.
    const asleep = seen !== null && !failing && Date.now() - seen.at > ASLEEP_MS;
    const known = seen !== null && !failing && !asleep && !(stale && seen.status === "healthy");
    const status = known ? seen.status : "unknown";
    const why = asleep ? "Asking again after a pause." : reason(known, stale, silent);
    paint(status, why);
    if (!asleep) announce(status, why);
    setText(byId("verdict-age"), age === null ? "not yet" : ago(age));
    byId("verdict-age").dataset.stale = String(stale || silent || live.downSince !== null);
    setText(byId("verdict-live"), liveWords());
    byId("verdict-live").dataset.phase = live.phase;
    setText(byId("verdict-version"), seen?.version ?? "unknown");
    const uptime = seen?.uptime;
    const upNow = typeof uptime === "number" && !silent
      ? uptime + (Date.now() - seen.at) / 1000
      : null;
    setText(byId("verdict-uptime"), upNow === null ? "unknown" : duration(Math.floor(upNow)));
  }

  function reason(known, stale, silent) {
    if (seen === null && failing === null) return "Waiting for the first answer from Holdfast.";
    const last = seen ? ` Last known: ${seen.status}.` : "";
    if (silent) {
      return contact.answeredAt === null
        ? "No answer from Holdfast. Is it running?"
        : `No answer from Holdfast since ${clock(contact.answeredAt)} UTC.${last}`;
    }
    if (failing) return `Holdfast cannot say: ${failing.message}.${last}`;
    if (!known) return `Nothing has been measured since ${clock(measuredAt)} UTC.${last}`;
    const old = stale ? ` Last measured at ${clock(measuredAt)} UTC.` : "";
    return explain(seen.status, seen.checks) + old;
  }

  function paint(status, why) {
    const tone = toneOf(status);
    if (root.dataset.status !== status) {
      root.dataset.status = status;
      root.dataset.tone = tone;
      byId("verdict-icon").replaceChildren(icon(status, 52));
    }
    setText(byId("verdict-word"), seen || failing ? words(status) : "Asking…");
    setText(byId("verdict-why"), why);
    document.title = seen || failing ? `${words(status)} · Holdfast` : "Holdfast";
    const checks = seen?.checks ?? [];
    setHidden(byId("verdict-checks"), checks.length === 0);
    const version = JSON.stringify(checks);
    if (checkList.dataset.version === version) return;
    checkList.dataset.version = version;
    checkList.replaceChildren(...checks.map(checkRow));
  }

  /** Speaks of changes only, not of the first verdict. */
  function announce(status, why) {
    if (announced === status || !(seen || failing)) return;
    if (announced !== null) setText(byId("announce"), `Holdfast is now ${status}. ${why}`);
    announced = status;
  }

  function liveWords() {
    if (live.phase === "open") return "live";
    const down = live.downSince
      ? `down for ${duration(Math.floor((Date.now() - live.downSince) / 1000))}`
      : "";
    if (live.phase === "connecting") return down ? `${down}, connecting` : "connecting";
    const wait = Math.max(0, Math.ceil((live.retryAt - Date.now()) / 1000));
    return `${down}, next try in ${wait} s`;
  }

  everySecond(render);
  return {
    measured(checkedAt, ageMs) {
      measured(checkedAt, ageMs);
      render();
    },
    /** A change of status heard elsewhere: ask for the reasons at once. */
    heard(status) {
      if (status && status !== seen?.status) feed.poke();
    },
    channel(state) {
      live = state;
      render();
    },
    poke: feed.poke,
  };
}
