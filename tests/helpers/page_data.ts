import assert from "node:assert/strict";
import type { TestApp } from "./test_app.ts";

/** 200 ticks of SPY, one for each of the last seconds, at 600 to 600.19. */
export function recentTicks() {
  const now = Date.now();
  return Array.from({ length: 200 }, (_, n) => ({
    ts: new Date(now - (200 - n) * 1_000).toISOString(),
    symbol: "SPY",
    price: 600 + (n % 20) / 100,
    size: 100,
    exchange: "P",
  }));
}

/** Lowers the levels of the rule `connections`, so that it fires at the next reading. */
export async function alertOnConnections(
  app: TestApp,
  levels: { warning: number; critical?: number },
): Promise<void> {
  const rule = { name: "connections", ...levels, clear: 0, for_seconds: 0 };
  const changed = await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rules: [rule] }),
  });
  assert.equal(changed.status, 200, await changed.text());
}
