/**
 * What postgres.js leaves behind when a connection is lost or ended in the moment it is made: it then asks for the array types, and
 * nobody holds that promise (once in hundreds of outages). In `serve` it ends in the last net, which logs it.
 */
const driversOwn = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "ECONNRESET",
  "EPIPE",
  "57P01",
]);

/** Collects promises that nobody held, but for the driver's own, which would end the test's process. */
export function watchRejections(): { unhandled: unknown[]; stop(): void } {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    if (!driversOwn.has(event.reason?.code)) unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  return { unhandled, stop: () => removeEventListener("unhandledrejection", note) };
}

/** Passes over the driver's own for as long as the test's process lives, and says so; any other still ends it. */
export function passOverDriver(): void {
  addEventListener("unhandledrejection", (event) => {
    const { code } = event.reason ?? {};
    if (!driversOwn.has(code)) return;
    event.preventDefault();
    console.error(`a promise of the driver that nobody held was rejected: ${code}`);
  });
}
