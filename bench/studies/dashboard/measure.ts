/**
 * Measures what the pages cost a browser: bytes and requests of a cold load, layout shift, a minute at rest, the main thread,
 * and the heap over hours. `deno task bench:dashboard [--hours 8] [--hasten 60] [--rest 60] [--pages /,/market]
 * [--heap-pages /,/history]` runs Chromium beside a Holdfast on the embedded server. For the heap, the timers of the pages
 * run `hasten` times as fast, and the database is read as often as is allowed, so that each page asks and draws in minutes
 * as much as in hours.
 */
import { parseArgs } from "node:util";
import { type Browser, chromium, type Page } from "playwright-core";
import { type BenchApp, startBenchApp } from "../ingest/bench_app.ts";
import { meterPage, type PageCost, type PageMeter } from "./page.ts";

const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "8" },
    hasten: { type: "string", default: "60" },
    rest: { type: "string", default: "60" },
    pages: {
      type: "string",
      default: "/,/activity,/statements,/history,/storage,/partitions,/market",
    },
    "heap-pages": { type: "string", default: "/,/activity,/history,/market" },
  },
});
const restMs = Number(values.rest) * 1_000;
const hasten = Number(values.hasten);
const heapMs = Number(values.hours) * 3_600_000 / hasten;
const heapSamples = 16;

/** Returns the paths of a list; none of an empty one. */
const pathsOf = (list: string) => list.split(",").filter((path) => path !== "");
const kB = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Stores ticks of ten symbols up to now, one a second for `seconds`. */
async function sendTicks({ port }: BenchApp, seconds: number): Promise<void> {
  const now = Date.now();
  const ticks = Array.from({ length: seconds * 10 }, (_, n) => ({
    ts: new Date(now - Math.floor(n / 10) * 1_000).toISOString(),
    symbol: `SYM${n % 10}`,
    price: 100 + n % 7,
    size: 10,
  }));
  const response = await fetch(`http://127.0.0.1:${port}/api/ticks?create=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ticks),
  });
  if (!response.ok) throw new Error(`Ticks were refused: ${response.status}`);
  await response.body?.cancel();
}

interface OpenPage {
  page: Page;
  meter: PageMeter;
}

/** Opens a page with an empty cache. */
async function openPage(browser: Browser, url: string, factor = 1): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const meter = await meterPage(page, factor);
  await page.goto(url);
  // With timers that run fast, the network is never idle.
  if (factor === 1) await page.waitForLoadState("networkidle");
  return { page, meter };
}

/** Measures the cold load of one page and a time at rest; returns the row of the table. */
async function measurePage(browser: Browser, origin: string, path: string): Promise<string> {
  const { page, meter } = await openPage(browser, origin + path);
  const cold = await meter.cost();
  // What the first second reading draws is still part of the load.
  await wait(10_000);
  const { shift } = await meter.cost();
  await meter.reset();
  await wait(restMs);
  const rest: PageCost = await meter.cost();
  await page.context().close();
  return `| \`${path}\` | ${kB(cold.bytes)} | ${cold.requests} | ${
    (shift + rest.shift).toFixed(3)
  } | ${rest.requests} requests, ${kB(rest.bytes)} | ${(rest.mainThread * 100).toFixed(1)} % |`;
}

/** Measures the heap of pages that stay open; returns a row of the table for each. */
async function measureHeap(browser: Browser, origin: string, paths: string[]): Promise<string[]> {
  const open = await Promise.all(
    paths.map(async (path) => ({ path, ...await openPage(browser, origin + path, hasten) })),
  );
  const heaps = open.map((): number[] => []);
  for (let sample = 0; sample <= heapSamples; sample++) {
    if (sample > 0) await wait(heapMs / heapSamples);
    for (const [at, { meter }] of open.entries()) heaps[at]!.push(await meter.heapBytes());
  }
  const rows: string[] = [];
  for (const [at, { path, page, meter }] of open.entries()) {
    const { requests } = await meter.cost();
    const series = heaps[at]!;
    rows.push(
      `| \`${path}\` | ${requests} | ${
        series.map((bytes) => (bytes / 1e6).toFixed(1)).join(" ")
      } |`,
    );
    await page.context().close();
  }
  return rows;
}

/** Runs `work` with Chromium beside a Holdfast that has `own` settings, and a tick a second of each symbol. */
async function withPages(
  own: Record<string, string>,
  work: (browser: Browser, origin: string) => Promise<void>,
): Promise<void> {
  const app = await startBenchApp(undefined, own);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  let feeding = true;
  const feed = (async () => {
    await sendTicks(app, 3_600);
    while (feeding) {
      await wait(1_000);
      await sendTicks(app, 1);
    }
  })();
  // Its failure is thrown at the end, where it is awaited.
  feed.catch(() => {});
  try {
    await wait(15_000); // rates need two readings
    await work(browser, `http://127.0.0.1:${app.port}`);
  } finally {
    feeding = false;
    await feed;
    await browser.close();
    await app.stop();
  }
}

const pages = pathsOf(values.pages);
const measurePages = async (browser: Browser, origin: string) => {
  console.log(
    `| page | cold load | requests | layout shift | ${values.rest} s at rest | main thread |`,
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const path of pages) console.log(await measurePage(browser, origin, path));
  const { page, meter } = await openPage(browser, `${origin}/docs`);
  const docs = await meter.cost();
  console.log(
    `| \`/docs\` | ${kB(docs.bytes)} | ${docs.requests} | ${docs.shift.toFixed(3)} | – | – |`,
  );
  await page.context().close();
};
if (pages.length > 0) await withPages({}, measurePages);
if (heapMs > 0) {
  console.log(
    `\nheap after a collection, MB, at ${heapSamples + 1} moments of ${values.hours} h:\n`,
  );
  console.log("| page | requests | heap |\n| --- | --- | --- |");
  const often = { HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_BROADCAST_SECONDS: "1" };
  await withPages(often, async (browser, origin) => {
    const rows = await measureHeap(browser, origin, pathsOf(values["heap-pages"]));
    console.log(rows.join("\n"));
  });
}
