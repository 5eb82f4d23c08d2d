import assert from "node:assert/strict";
import type { AlertRecord } from "../../db/alerts/alerts.ts";
import type { DeliveryRecord } from "../../db/alerts/deliveries.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import type { Alert } from "../../services/alerts/alert.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { createAlertStore, toRecord } from "../../services/alerts/storage/store.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { standby, writable } from "../../services/monitor/write_access/state.ts";

const log = createLogger({ level: "error", write: () => {} });
const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const delivery = (n: number): DeliveryRecord => ({
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

Deno.test("on a standby the newest thousand alerts and deliveries are kept in memory and listed from there", async () => {
  const access = createWriteAccess({ clock: { now: () => new Date() }, log });
  access.note(standby(undefined));
  const db: RecordsDb = { run: () => Promise.reject(new Error("the database is not to be asked")) };
  const store = createAlertStore({ db, access, log });
  store.saveAlert({ ...sampleAlert("me", at(0)), id: id(0), state: "firing", resolved_at: null });
  for (let n = 1; n <= 1_500; n++) {
    store.saveAlert({ ...sampleAlert("me", at(n)), id: id(n), started_at: at(n) });
    store.saveDelivery(delivery(n));
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

/** A database that gives what it is asked for from `rows`, as many as are wanted; it has filtered them already. */
function storedDb(rows: readonly (AlertRecord | DeliveryRecord)[]): RecordsDb {
  const query = {
    select: () => query,
    from: () => query,
    where: () => query,
    orderBy: () => query,
    limit: (count: number) => Promise.resolve(rows.slice(0, count)),
    execute: () => Promise.resolve(rows),
  };
  return { run: async (work) => await work(query as unknown as Parameters<typeof work>[0]) };
}

Deno.test("while the database takes no writes, ended alerts and deliveries are not listed as firing or queued", async () => {
  const access = createWriteAccess({ clock: { now: () => new Date() }, log });
  access.note({ ...writable(), mode: "read_only", cause: "disk_full" });
  const firing = [3, 2, 1].map((n): Alert => ({
    ...sampleAlert("me", at(n)),
    id: id(n),
    started_at: at(n),
    state: "firing",
    resolved_at: null,
  }));
  const alerts = createAlertStore({ db: storedDb(firing.map(toRecord)), access, log });
  alerts.saveAlert({ ...firing[0]!, state: "resolved", resolved_at: at(9) });
  const ids = async (query: Parameters<typeof alerts.list>[0]) =>
    (await alerts.list(query)).map((alert) => alert.id);
  assert.deepEqual(await ids({ state: "firing", before: undefined, limit: 10 }), [id(2), id(1)]);
  assert.deepEqual(await ids({ state: "firing", before: undefined, limit: 2 }), [id(2), id(1)]);
  assert.deepEqual(await ids({ state: undefined, before: undefined, limit: 10 }), [
    id(3),
    id(2),
    id(1),
  ]);

  const queued = [2, 1].map((n): DeliveryRecord => ({ ...delivery(n), state: "queued" }));
  const deliveries = createAlertStore({ db: storedDb(queued), access, log });
  deliveries.saveDelivery({ ...queued[0]!, state: "delivered", ended_at: at(9) });
  const page = await deliveries.deliveries({
    channel: undefined,
    state: "queued",
    before: undefined,
    limit: 10,
  });
  assert.deepEqual(page.map((one) => one.id), [id(1)]);
});
