import { isDriversOwn } from "../../db/errors.ts";

/** Collects promises that nobody held, but for the driver's own question, which would end the test's process. */
export function watchRejections(): { unhandled: unknown[]; stop(): void } {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    if (!isDriversOwn(event.reason)) unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  return { unhandled, stop: () => removeEventListener("unhandledrejection", note) };
}

/** Passes over the driver's own for as long as the test's process lives, and says so; any other still ends it. */
export function passOverDriver(): void {
  addEventListener("unhandledrejection", (event) => {
    if (!isDriversOwn(event.reason)) return;
    event.preventDefault();
    console.error(`the driver's question for array types was lost: ${event.reason.code}`);
  });
}
