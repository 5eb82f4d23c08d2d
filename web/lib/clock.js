// The server's clock as seen from here, so that ages are right on a machine whose clock is off.

let offset = 0;

/** Learns the offset from a moment the server has just named (ms or RFC 3339). */
export function learnServerTime(moment) {
  const ms = typeof moment === "number" ? moment : Date.parse(moment);
  if (Number.isFinite(ms)) offset = ms - Date.now();
}

export function serverNow() {
  return Date.now() + offset;
}

/** Calls `tick` every second while the page is visible. */
export function everySecond(tick) {
  setInterval(() => {
    if (!document.hidden) tick();
  }, 1_000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) tick();
  });
}
