import assert from "node:assert/strict";
import { insertAuditRows } from "../../db/audit.ts";
import type { Sql } from "../../db/connection.ts";
import { createLogger } from "../../log.ts";
import { createAudit, waitingMax } from "../../services/auth/audit.ts";
import { anybody } from "../../services/auth/service.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const admin = "3f8a61d0c2b94e57a1d6f0837be5492c1d7e0f4a";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_TOKEN: admin, HOLDFAST_READ_TOKEN: `${admin}ff` });
});
Deno.test.afterAll(() => app.stop());

interface Entry {
  request_id: string;
  at: string;
  until: string;
  requests: number;
  via: string;
  actor: string;
  operation: string;
  method: string;
  path: string;
  status: number;
  address: string;
}

interface Page {
  entries: Entry[];
  next_cursor: string | null;
  waiting: number;
  lost: number;
}

const audit = (query = "") => app.json<Page>(`/api/audit${query}`, { headers: bearer(admin) });
async function post(path: string, body: unknown, token = admin): Promise<Response> {
  const response = await app.post(path, body, bearer(token));
  await response.body?.cancel();
  return response;
}

Deno.test("a change is kept with who, what, when, from where and how it ended, and never its body", async () => {
  const made = await post("/api/instruments", { symbol: "SECRETIVE", kind: "equity" });
  assert.equal(made.status, 201);
  const refused = await post("/api/instruments", { symbol: "X" }, `${admin}ff`);
  assert.equal(refused.status, 403);
  await app.json("/api/instruments", { headers: bearer(admin) });
  const { entries, waiting, lost } = await audit("?operation=createInstrument");
  assert.deepEqual([waiting, lost], [0, 0]);
  const told = entries.map(({ actor, via, operation, method, path, status, address }) => ({
    actor,
    via,
    operation,
    method,
    path,
    status,
    address,
  }));
  const one = {
    via: "token",
    operation: "createInstrument",
    method: "POST",
    path: "/api/instruments",
    address: "127.0.0.1",
  };
  assert.deepEqual(
    told.sort((a, b) => a.status - b.status),
    [{ actor: "HOLDFAST_TOKEN", ...one, status: 201 }, {
      actor: "HOLDFAST_READ_TOKEN",
      ...one,
      status: 403,
    }],
  );
  const entry = entries.find(({ status }) => status === 201);
  assert.equal(entry?.request_id, made.headers.get("x-request-id"));
  assert.ok(Math.abs(Date.parse(entry?.at ?? "") - Date.now()) < 60_000);
  const logged = app.logs.find(({ event, request_id }) =>
    event === "audit" && request_id === entry?.request_id
  );
  assert.equal(logged?.actor, "HOLDFAST_TOKEN");
  assert.doesNotMatch(JSON.stringify([entries, logged]), /SECRETIVE/);
});

Deno.test("a login is kept under the token's name, a stranger's try is not", async () => {
  const login = (token: string) =>
    app.post("/api/session", { token }).then(async (answer) => {
      await answer.body?.cancel();
      return answer.status;
    });
  assert.equal(await login(admin), 204);
  assert.equal(await login("wrong"), 401);
  const { entries } = await audit("?operation=createSession");
  assert.deepEqual(entries.map(({ actor, status }) => [actor, status]), [["HOLDFAST_TOKEN", 204]]);
});

Deno.test("uploads that are alike are one entry a minute, with how many there were", async () => {
  for (let n = 0; n < 5; n++) assert.equal((await post("/api/ticks", [])).status, 200);
  const { entries } = await audit("?operation=storeTicks");
  const sum = entries.reduce((total, { requests }) => total + requests, 0);
  assert.equal(sum, 5);
  assert.ok(entries.length < 5, `${entries.length} entries`);
});

Deno.test("the list has pages and filters; only an admin reads it", async () => {
  for (let n = 0; n < 7; n++) await post("/api/partitions/plan", {});
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await audit(
      `?operation=planPartitions&limit=3${cursor ? `&cursor=${cursor}` : ""}`,
    );
    seen.push(...page.entries.map(({ request_id }) => request_id));
    cursor = page.next_cursor;
  } while (cursor);
  assert.equal(new Set(seen).size, 7);
  assert.equal(seen.length, 7);
  assert.equal((await audit("?actor=nobody")).entries.length, 0);
  assert.equal((await audit("?to=2001-01-01T00:00:00Z")).entries.length, 0);
  assert.ok((await audit("?from=2001-01-01T00:00:00Z")).entries.length > 0);
  const reader = await app.request("/api/audit", { headers: bearer(`${admin}ff`) });
  assert.equal(reader.status, 403);
  await reader.body?.cancel();
});

Deno.test("what is too old, and what is too much, is deleted", async () => {
  await audit();
  await app
    .sql`update holdfast.audit_log set at = now() - interval '2 years' where operation = 'planPartitions'`;
  const before = (await audit("?limit=500")).entries.length;
  await app.holdfast.everyHour();
  const after = (await audit("?limit=500")).entries;
  assert.equal(after.length, before - 7);
  assert.ok(after.every(({ operation }) => operation !== "planPartitions"));
});

function requestOf(n: number, over: object = {}) {
  return {
    requestId: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    principal: anybody,
    operation: "startBackup",
    method: "POST",
    path: "/api/backups",
    status: 202,
    address: "192.0.2.1",
    ...over,
  };
}

/** An audit whose database takes what `insert` does. */
function auditWith(insert: () => Promise<void>) {
  const time = { now: Date.UTC(2026, 0, 1) };
  const lines: { event: string }[] = [];
  const access = { writes: true };
  const audit = createAudit({
    pool: {
      run: async <T>(work: (sql: Sql) => Promise<T>) => {
        await insert();
        return undefined as unknown as Awaited<ReturnType<typeof work>>;
      },
    },
    access: { canWrite: () => access.writes },
    instance: "test",
    days: 1,
    rowsMax: 1_000,
    clock: { now: () => new Date(time.now) },
    log: createLogger({ level: "info", write: (line) => lines.push(JSON.parse(line)) }),
  });
  return { audit, time, lines, access };
}

Deno.test("with the database away entries wait, in bounds, are logged at once, and are written once it is back", async () => {
  let away = true;
  let batches = 0;
  const { audit, lines } = auditWith(() => {
    if (away) return Promise.reject(Object.assign(new Error("away"), { code: "ECONNREFUSED" }));
    batches++;
    return Promise.resolve();
  });
  for (let n = 0; n < waitingMax + 5; n++) audit.note(requestOf(n));
  await audit.flush();
  assert.equal(lines.filter(({ event }) => event === "audit").length, waitingMax + 5);
  assert.equal(lines.filter(({ event }) => event === "audit_entries_lost").length, 1);
  assert.equal(batches, 0);
  away = false;
  await audit.flush();
  assert.equal(batches, waitingMax / 500);
  await audit.flush();
  assert.equal(batches, waitingMax / 500, "nothing is written twice");
});

Deno.test("a server that takes no writes is not tried; data that it refuses holds up nothing", async () => {
  let tries = 0;
  const { audit, access, lines } = auditWith(() => {
    tries++;
    return Promise.reject(Object.assign(new Error("refused"), { code: "22021" }));
  });
  access.writes = false;
  audit.note(requestOf(1));
  await audit.flush();
  assert.equal(tries, 0);
  access.writes = true;
  await audit.flush();
  await audit.flush();
  assert.equal(tries, 1);
  assert.ok(lines.some(({ event }) => event === "audit_entries_refused"));
});

Deno.test("sums end after a minute, also when the clock is set back", async () => {
  const { audit, time, lines } = auditWith(() => Promise.resolve());
  const audited = () => lines.filter(({ event }) => event === "audit").length;
  const upload = { operation: "storeTicks", status: 200 };
  for (let n = 0; n < 100; n++) audit.note(requestOf(n, upload));
  audit.start();
  await audit.stop();
  assert.equal(audited(), 1, "a stop writes what there is");
  audit.note(requestOf(200, upload));
  time.now -= 3_600_000;
  for (let n = 0; n < 5_000; n++) audit.note(requestOf(1_000 + n, { ...upload, path: `/${n}` }));
  await audit.stop();
  assert.equal(audited(), 5_002);
});

Deno.test("an entry that was written already is not written twice", async () => {
  const row = {
    request_id: crypto.randomUUID(),
    instance: "test",
    at: "2026-01-01T00:00:00Z",
    until: "2026-01-01T00:00:00Z",
    requests: 1,
    via: "open",
    actor: "open",
    actor_id: "",
    scope: "admin",
    operation: "once",
    method: "POST",
    path: "/",
    status: 200,
    address: "",
  };
  const [{ n: before }] = await app.sql`select count(*)::int as n from holdfast.audit_log` as [
    { n: number },
  ];
  await insertAuditRows(app.sql, [row]);
  await insertAuditRows(app.sql, [row, { ...row, request_id: crypto.randomUUID() }]);
  const [{ n: after }] = await app.sql`select count(*)::int as n from holdfast.audit_log` as [
    { n: number },
  ];
  assert.equal(after - before, 2);
});
