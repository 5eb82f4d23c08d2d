import assert from "node:assert/strict";
import { chromium as engine, type Page } from "playwright-core";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { chromium, testWith } from "../helpers/skip.ts";

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const day = 86_400_000;

interface Child {
  partition: string;
  from: string | null;
  to: string | null;
  state: string;
  rows_estimate: number | null;
  bytes: number;
  sealed_at: string | null;
  is_default: boolean;
  problem: string | null;
}

function child(table: string, at: number, state: string, more: Partial<Child> = {}): Child {
  const start = Math.floor(Date.now() / day) * day + at * day;
  return {
    partition: `${table}_p${new Date(start).toISOString().slice(0, 10).replaceAll("-", "")}`,
    from: new Date(start).toISOString(),
    to: new Date(start + day).toISOString(),
    state,
    rows_estimate: state === "planned" ? 0 : 1_000_000 + 200_000 * (Math.abs(at) % 7),
    bytes: 90_000_000,
    sealed_at: null,
    is_default: false,
    problem: null,
    ...more,
  };
}

function table(name: string, children: Child[], more: Record<string, unknown> = {}) {
  return {
    table: name,
    policy: { interval: "1 day", key: "timestamptz", premake: 7, retention: null, enabled: true },
    partitions: children.length,
    rows_estimate: 1,
    bytes: 1,
    runway_seconds: 7 * 86_400,
    holes: [],
    default_rows: 0,
    last_rotation_at: new Date().toISOString(),
    sealed: 0,
    problems: [],
    recommendations: [],
    children,
    ...more,
  };
}

let answers = 0;

/** A table with something of every state, one with 2,000 leaves, one with none; each answer says something new. */
function answer() {
  answers++;
  const start = Math.floor(Date.now() / day) * day;
  const every = [
    ...[-16, -15, -14].map((at) => child("app.every", at, "archived")),
    child("app.every", -13, "detached"),
    ...[-12, -11, -10].map((at) => child("app.every", at, "sealed")),
    child("app.every", -9, "sealed", { problem: "content changed from 12:00 to 12:15" }),
    child("app.every", -8, "sealing"),
    ...[-7, -6, -4, -3, -2, -1, 0].map((at) => child("app.every", at, "hot")),
    ...[1, 2, 3, 6].map((at) => child("app.every", at, "planned")),
    {
      ...child("app.every", 0, "hot", { is_default: true }),
      partition: "app.every_rest",
      from: null,
      to: null,
    },
  ];
  return {
    overall_status: "degraded",
    checked_at: new Date().toISOString(),
    tables: [
      table("app.every", every, {
        runway_seconds: 4 * 86_400,
        problems: [`app.every grew ${answers} times`],
        holes: [{
          from: new Date(start - 5 * day).toISOString(),
          to: new Date(start - 4 * day).toISOString(),
        }],
      }),
      table(
        "app.many",
        Array.from(
          { length: 2_000 },
          (_, at) =>
            child("app.many", at - 1_990, at < 1_900 ? "sealed" : at <= 1_990 ? "hot" : "planned"),
        ),
      ),
      table("app.none", []),
    ],
  };
}

async function open(page: Page, url: string): Promise<string[]> {
  const complaints: string[] = [];
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.route("**/api/health/partitions", (route) => route.fulfill({ json: answer() }));
  await page.goto(`${url}/partitions`);
  await page.getByRole("heading", { name: "app.many" }).waitFor();
  return complaints;
}

/** The colours a canvas shows, with how many pixels each. */
const coloursOf = (page: Page, label: string) =>
  page.locator(`canvas[aria-label*="${label}"]`).evaluate((node) => {
    const canvas = node as unknown as {
      width: number;
      height: number;
      getContext(kind: string): { getImageData(...box: number[]): { data: Uint8ClampedArray } };
    };
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set<number>();
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] === 255) {
        colours.add((data[at] ?? 0) << 16 | (data[at + 1] ?? 0) << 8 | (data[at + 2] ?? 0));
      }
    }
    return colours.size;
  });

testWith(
  chromium,
  "the timeline shows every state, 2,000 leaves and none, in light and dark, and is walked by keys",
  async () => {
    const app = await startApp();
    const browser = await engine.launch({ executablePath: "/usr/bin/chromium", args: flags });
    try {
      for (const scheme of ["light", "dark"] as const) {
        const page = await browser.newPage({
          viewport: { width: 1280, height: 1600 },
          colorScheme: scheme,
        });
        const complaints = await open(page, app.url);
        const legend = await page.locator(".legend li").allTextContents();
        assert.deepEqual(legend, [
          "planned",
          "hot",
          "sealing",
          "sealed",
          "detached",
          "archived",
          "default",
          "damaged",
          "hole",
        ]);
        const every = page.getByRole("slider", { name: /partitions of app\.every/ });
        await eventually(
          async () => await coloursOf(page, "app.every") > 6,
          "states differ by colour too",
        );
        await every.focus();
        assert.match(await every.getAttribute("aria-valuetext") ?? "", /hot/);
        await page.keyboard.press("Home");
        assert.match(
          await every.getAttribute("aria-valuetext") ?? "",
          /default.*takes what no other does/,
        );
        await page.keyboard.press("ArrowRight");
        assert.match(await every.getAttribute("aria-valuetext") ?? "", /archived/);
        await page.keyboard.press("End");
        assert.match(await every.getAttribute("aria-valuetext") ?? "", /planned/);
        for (let step = 0; step < 100; step++) {
          if (
            /not what was sealed: content changed/.test(
              await every.getAttribute("aria-valuetext") ?? "",
            )
          ) break;
          await page.keyboard.press("ArrowLeft");
        }
        assert.match(
          await every.getAttribute("aria-valuetext") ?? "",
          /damaged.*not what was sealed/,
        );
        const before = answers;
        await app.sql.unsafe(`
          create schema ${scheme};
          create table ${scheme}.t (ts timestamptz not null) partition by range (ts);
          create table ${scheme}.all partition of ${scheme}.t
            for values from ('2020-01-01Z') to ('2199-01-01Z')`).simple();
        const policy = await app.request(`/api/partitions/policies/${scheme}.t`, {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ key: "timestamptz", interval: "1 day", premake: 1 }),
        });
        assert.ok(policy.ok, await policy.text());
        await eventually(async () => {
          await app.holdfast.monitor.runNow("stats");
          return answers > before;
        }, "the page asks again");
        // It may ask again before it has drawn that.
        await eventually(
          () => page.getByText(`app.every grew ${answers} times`).isVisible(),
          "the newest answer is shown",
        );
        assert.match(
          await every.getAttribute("aria-valuetext") ?? "",
          /damaged.*not what was sealed/,
          "whoever walks stays where they are",
        );

        const many = page.getByRole("slider", { name: /2000 partitions of app\.many/ });
        assert.equal(await many.getAttribute("aria-valuemax"), "1999");
        await many.focus();
        await within(4_000, "walking 2,000 leaves is no labour", async () => {
          const started = performance.now();
          for (let step = 0; step < 20; step++) await page.keyboard.press("PageUp");
          return performance.now() - started;
        });
        assert.match(await many.getAttribute("aria-valuetext") ?? "", /sealed/);
        assert.ok(
          await page.locator("main *").count() < 400,
          "no element for each leaf",
        );
        await page.getByText("This table has no partitions.").waitFor();
        assert.deepEqual(complaints, []);
        const shots = Deno.env.get("HOLDFAST_TEST_SHOTS");
        if (shots) {
          await page.locator("main").screenshot({ path: `${shots}/timeline-${scheme}.png` });
        }
        await page.close();
      }
    } finally {
      await browser.close();
      await app.stop();
    }
  },
);
