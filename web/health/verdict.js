// The status that every part of the page shows; old data never appears healthy. Pure except for the clocks.
import { contact } from "../lib/api.js";
import { serverNow } from "../lib/clock.js";
import { moment } from "../lib/format.js";
import { explain } from "./checks.js";

const STALE_MS = 60_000;
const ASLEEP_MS = 75_000;
/** The figures of the overview are asked for each minute, and pushed in between. */
const OLD_MS = 90_000;

/** `{ word, why, silent, known }` of the state of the app, now; `isBeginning` while a first answer may still come. */
export function everyVerdict({ health, failing, measuredAt }, now = Date.now()) {
  if (health === null && failing === null) {
    return {
      word: "unknown",
      why: "Waiting for the first answer from Holdfast.",
      silent: false,
      known: false,
      isBeginning: true,
    };
  }
  const last = health ? ` Last known: ${health.status}.` : "";
  if (failing?.kind === "timeout") {
    return {
      word: "unknown",
      why: `Holdfast is slow: ${failing.message.toLowerCase()}.${last}`,
      silent: false,
      known: false,
    };
  }
  if (failing?.kind === "network") {
    const why = contact.answeredAt === null
      ? "No answer from Holdfast. Is it running?"
      : `No answer from Holdfast since ${moment(contact.answeredAt, serverNow())} UTC.${last}`;
    return { word: "unknown", why, silent: true, known: false };
  }
  if (failing) {
    return {
      word: "unknown",
      why: `Holdfast cannot say: ${String(failing.message).replace(/\.$/, "")}.${last}`,
      silent: false,
      known: false,
    };
  }
  if (now - health.at > ASLEEP_MS) {
    return {
      word: "unknown",
      why: `Retrying after a pause.${last}`,
      silent: false,
      known: false,
      isBeginning: true,
    };
  }
  const stale = measuredAt === null || serverNow() - measuredAt > STALE_MS;
  if (stale && health.status === "healthy") {
    const since = measuredAt === null
      ? "Nothing has been measured yet."
      : `Nothing has been measured since ${moment(measuredAt, serverNow())} UTC.`;
    return { word: "unknown", why: `${since}${last}`, silent: false, known: false };
  }
  const old = stale && measuredAt !== null
    ? ` Last measured at ${moment(measuredAt, serverNow())} UTC.`
    : "";
  return {
    word: health.status,
    why: explain(health.status, health.checks) + old,
    silent: false,
    known: true,
  };
}

/** Whether figures as of `at` (ms of the server's clock, null for never) are too old to be called healthy. */
export const isOld = (at) => at === null || serverNow() - at > OLD_MS;

/** Whether the status is known and the figures are new: what is said of them then holds now. */
export const areFiguresSure = (state, now = Date.now()) =>
  everyVerdict(state, now).known && !isOld(state.databaseAt);

/**
 * Limits the status of a panel: never better than the overall one. With that unknown or the database unreachable, what seems
 * good is only what was last known; so it is where the figures are old, as of `readAt`.
 */
export function atMost(tone, state, readAt) {
  if (tone !== "good") return tone;
  if (readAt !== undefined && isOld(readAt)) return "unknown";
  const { word, known } = everyVerdict(state);
  if (!known || word === "unknown") return "unknown";
  const database = state.health?.checks?.find(({ name }) => name.toLowerCase() === "database");
  return database && database.status !== "healthy" ? "unknown" : "good";
}
