import assert from "node:assert/strict";
import { chromium as engine } from "playwright-core";
import { flags } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { startSharedServer } from "../helpers/pair.ts";
import { startProxy } from "../helpers/proxy.ts";
import { chromium, testWith } from "../helpers/skip.ts";
import type { TestApp } from "../helpers/test_app.ts";

const portOf = (app: TestApp) => Number(new URL(app.url).port);

async function notify(app: TestApp): Promise<void> {
  const answer = await app.request("/api/alerts/channels/websocket/test", { method: "POST" });
  assert.equal(answer.status, 200, await answer.text());
}

testWith(
  chromium,
  "a page whose connection moves to another Holdfast receives every event once",
  async () => {
    const server = await startSharedServer();
    const browser = await engine.launch({ executablePath: "/usr/bin/chromium", args: flags });
    const one = await server.start("one");
    const two = await server.start("two");
    const balancer = startProxy(portOf(one));
    try {
      const page = await browser.newPage();
      await page.addInitScript(`
        window.seen = [];
        window.WebSocket = class extends WebSocket {
          constructor(url) {
            super(url);
            this.addEventListener("message", ({ data }) => {
              const frame = JSON.parse(data);
              if (frame.data?.change === "test") seen.push(frame.id);
              if (frame.type === "hello") window.instance = frame.data.instance;
            });
          }
        };`);
      await page.goto(`http://127.0.0.1:${balancer.port}/`);
      const seen = () => page.evaluate("seen") as Promise<string[]>;
      const instance = () => page.evaluate("window.instance");
      await eventually(async () => await instance() === "one", "it is open");
      for (let n = 0; n < 3; n++) await notify(one);
      await eventually(async () => (await seen()).length >= 3, "the first three are there");
      balancer.leadTo(portOf(two));
      balancer.cut();
      for (let n = 0; n < 3; n++) await notify(n % 2 ? one : two);
      await eventually(async () => await instance() === "two", "it is connected to the other");
      await eventually(async () => (await seen()).length >= 6, "those sent meanwhile are there");
      await notify(one);
      await eventually(async () => (await seen()).length >= 7, "it goes on");
      const ids = await seen();
      assert.equal(new Set(ids).size, 7);
      assert.equal(ids.length, 7);
    } finally {
      await browser.close();
      await balancer.stop();
      await server.stop();
    }
  },
);
