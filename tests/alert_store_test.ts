import assert from "node:assert/strict";
import type { RecordsDb } from "../db/records.ts";
import { createLogger } from "../log.ts";
import { sampleAlert } from "../services/alerts/sample.ts";
import { createAlertStore } from "../services/alerts/store.ts";
import { createWriteAccess } from "../services/write_access/access.ts";
import { standby } from "../services/write_access/state.ts";

const log = createLogger({ level: "error", write: () => {} });
const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();

Deno.test("beside a standby alerts and deliveries are kept in memory, the newest thousand, and listed from there", async () => {
  const access = createWriteAccess({ clock: { now: () => new Date() }, log });
  access.note(standby(undefined));
  const db: RecordsDb = { run: () => Promise.reject(new Error("the database is not to be asked")) };
  const store = createAlertStore({ db, access, log });
  const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  store.saveAlert({ ...sampleAlert("me", at(0)), id: id(0), state: "firing", resolved_at: null });
  for (let n = 1; n <= 1_500; n++) {
    store.saveAlert({ ...sampleAlert("me", at(n)), id: id(n), started_at: at(n) });
    store.saveDelivery({
      id: id(n),
      channel: "hook",
      owner: "me",
      state: "delivered",
      summary: "",
      notices: [],
      attempts: 1,
      created_at: at(n),
      next_attempt_at: null,
      ended_at: at(n),
      error: null,
    });
  }
  const all = { state: undefined, before: undefined, limit: 2_000 };
  const alerts = await store.list(all);
  assert.equal(alerts.length, 1_000);
  assert.equal(alerts[0]?.id, id(1_500));
  assert.ok(alerts.some((alert) => alert.id === id(0)), "what fires is never forgotten");
  const deliveries = await store.deliveries({ ...all, channel: "hook" });
  assert.equal(deliveries.length, 1_000);
  const page = await store.list({
    state: "resolved",
    before: { startedAt: new Date(at(1_500)), id: id(1_500) },
    limit: 2,
  });
  assert.deepEqual(page.map((alert) => alert.id), [id(1_499), id(1_498)]);
  assert.equal((await store.find(id(1_400)))?.id, id(1_400));
  assert.equal(await store.find(id(5)), undefined);
});
