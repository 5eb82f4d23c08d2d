// Asking again and again, politely: one at a time, only while visible, slower while it fails.

import { contact } from "./api.js";

const SLOWEST_MS = 15_000;
const MISSING_MS = 60_000;
const HIDDEN_MS = 30_000;

/**
 * Runs `run()` every `every` ms; `poke()` runs it at once. `failed(error)` hears of each failure.
 * An endpoint that does not exist (404) is asked once a minute. `always` goes on, slowly, in a
 * hidden tab.
 */
export function poll({ every, run, failed, always = false }) {
  let timer = 0;
  let busy = false;
  let again = false;
  let failures = 0;

  async function turn() {
    clearTimeout(timer);
    if (busy) {
      again = true;
      return;
    }
    if (document.hidden && !always) return;
    busy = true;
    let wait = every;
    try {
      await run();
      failures = 0;
    } catch (error) {
      failures += 1;
      wait = error?.status === 404
        ? MISSING_MS
        : Math.max(every, Math.min(SLOWEST_MS, every * 2 ** Math.min(failures - 1, 4)));
      failed(error);
    }
    busy = false;
    clearTimeout(timer);
    if (document.hidden) wait = Math.max(wait, HIDDEN_MS);
    timer = setTimeout(turn, again ? 250 : wait);
    again = false;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) turn();
  });
  // All learn at once that Holdfast is silent; those that failed ask at once when it is back.
  contact.listeners.add(() => {
    if (contact.silent ? failures === 0 : failures > 0) turn();
  });
  turn();
  return { poke: turn };
}
