import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, firefox, type Page } from "playwright-core";
import { startApp, type TestApp } from "./test_app.ts";

export const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Visit {
  page: Page;
  /** What the console and uncaught errors said. */
  complaints: string[];
  /** Hosts that were asked for anything. */
  hosts: Set<string>;
  frames: { type: string; data: Record<string, unknown> }[];
}

/** Opens a page and notes whatever it complains of, asks for, and hears on its WebSocket. */
export async function visit(
  browser: Browser | BrowserContext,
  url: string,
  viewport = { width: 1280, height: 900 },
): Promise<Visit> {
  const page = await browser.newPage();
  // The browser shares a busy machine with the server.
  page.setDefaultTimeout(60_000);
  await page.setViewportSize(viewport);
  const seen: Visit = { page, complaints: [], hosts: new Set(), frames: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      seen.complaints.push(`${message.text()} ${message.location().url}`);
    }
  });
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url().startsWith("http")) seen.hosts.add(new URL(request.url()).host);
  });
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => seen.frames.push(JSON.parse(String(payload))));
  });
  await page.goto(url);
  return seen;
}

type BrowserWork = (browser: Browser, app: TestApp) => Promise<void>;

/** Runs Chromium beside a test server; both are stopped at the end. */
export async function withBrowser(
  work: BrowserWork,
  env: Record<string, string> = {},
): Promise<void> {
  await withEngine(
    () => chromium.launch({ executablePath: "/usr/bin/chromium", args: flags }),
    work,
    env,
  );
}

/** Runs Debian's Firefox beside a test server, controlled by WebDriver BiDi; both are stopped at the end. */
export async function withFirefox(work: BrowserWork): Promise<void> {
  await withEngine(
    () =>
      firefox.launch({
        channel: "moz-firefox",
        executablePath: "/usr/bin/firefox-esr",
        timeout: 180_000,
      }),
    work,
    {},
  );
}

async function withEngine(
  launch: () => Promise<Browser>,
  work: BrowserWork,
  env: Record<string, string>,
): Promise<void> {
  const app = await startApp(env);
  let browser: Browser | undefined;
  try {
    browser = await launch();
    await work(browser, app);
  } finally {
    await browser?.close();
    await app.stop();
  }
}

const axe = () =>
  readFileSync(
    fileURLToPath(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url)),
    "utf8",
  );

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** What axe finds serious or critical in the page as it is; `rules` narrows it to some. */
export async function seriousFaults(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!await page.evaluate("typeof globalThis.axe === 'object'")) await page.evaluate(axe());
  const only = rules ? `, runOnly: { type: "rule", values: ${JSON.stringify(rules)} }` : "";
  const found = await page.evaluate(
    // Rows of a table are alike: three of each are enough.
    `axe.run({ exclude: [["tbody tr:nth-child(n+4)"]] }, { resultTypes: ["violations"]${only} })`,
  ) as { violations: Violation[] };
  return found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 2).map(({ html }) => html.slice(0, 160))}`);
}
