import type { CDPSession, Page } from "playwright-core";

/** What a page cost since it was opened, or since `reset`. */
export interface PageCost {
  requests: number;
  /** Bytes on the wire: answers with their heads as Chromium counts them, and what came over WebSockets. */
  bytes: number;
  /** Share of the time in which the page's main thread worked, from 0 to 1. */
  mainThread: number;
  /** Sum of the layout shifts that no input caused. */
  shift: number;
}

export interface PageMeter {
  /** Returns the cost since the last call of `reset`. */
  cost(): Promise<PageCost>;
  reset(): Promise<void>;
  /** Returns the bytes of the JavaScript heap that are still in use after a collection. */
  heapBytes(): Promise<number>;
}

/** Adds up layout shifts from the beginning of a page, before any of its scripts runs. */
const noteShifts = `
  globalThis.layoutShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.hadRecentInput) globalThis.layoutShift += entry.value;
    }
  }).observe({ type: "layout-shift", buffered: true });`;

/** Returns the script that makes a page's timers run `factor` times as fast. */
const hastenTimers = (factor: number) => `
  for (const name of ["setTimeout", "setInterval"]) {
    const original = globalThis[name];
    globalThis[name] = (work, ms = 0, ...rest) => original(work, ms / ${factor}, ...rest);
  }`;

/** Seconds of work of the main thread since the page began. */
async function busySeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN;
}

/** Begins to measure a page that was not opened yet; its timers run `hasten` times as fast. */
export async function meterPage(page: Page, hasten: number): Promise<PageMeter> {
  await page.addInitScript(noteShifts);
  if (hasten !== 1) await page.addInitScript(hastenTimers(hasten));
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Performance.enable");
  await session.send("HeapProfiler.enable");
  let [requests, bytes, began, busy] = [0, 0, performance.now(), 0];
  const shiftNow = async () => Number(await page.evaluate("globalThis.layoutShift ?? 0"));
  let shifted = 0;
  session.on("Network.requestWillBeSent", () => void requests++);
  session.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  session.on("Network.webSocketFrameReceived", ({ response }) => {
    bytes += response.payloadData.length;
  });
  return {
    async cost() {
      const seconds = (performance.now() - began) / 1_000;
      return {
        requests,
        bytes,
        mainThread: (await busySeconds(session) - busy) / seconds,
        shift: await shiftNow() - shifted,
      };
    },
    async reset() {
      [busy, shifted] = [await busySeconds(session), await shiftNow()];
      [requests, bytes, began] = [0, 0, performance.now()];
    },
    async heapBytes() {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize;
    },
  };
}
