import assert from "node:assert/strict";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { openRecords, type RecordsDb } from "../../db/records/records.ts";
import { connectSql } from "../../db/connection.ts";
import { createLogger } from "../../log.ts";
import { createSilences } from "../../services/alerts/notify/silences.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { writable } from "../../services/monitor/write_access/state.ts";
import { majors, onServer } from "../helpers/majors.ts";

const start = Date.parse("2026-01-01T00:00:00Z");
const minutes = (count: number) => new Date(start + count * 60_000);
const input = (reason: string) => ({
  rule: null,
  scope: null,
  reason,
  startsAt: undefined,
  endsAt: minutes(60),
});

const times = { created_at: minutes(0), starts_at: minutes(0), ends_at: minutes(60) };

/** Silences of a Holdfast whose database takes no writes until told otherwise. */
function lone(db: RecordsDb) {
  let now = minutes(0);
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => void logged.push(line) });
  const clock = { now: () => now };
  const access = createWriteAccess({ clock, log: createLogger({ level: "error", write() {} }) });
  access.note({ ...writable(), mode: "read_only", cause: "disk_full" });
  return {
    silences: createSilences({ db, access, clock, log }),
    logged: () => logged.filter((line) => line.includes("silence_not_saved")).length,
    write: () => access.note(writable()),
    pass: (to: Date) => now = to,
  };
}

for (const major of majors) {
  Deno.test(`Postgres ${major}: a silence whose save was not answered is saved once, with its earlier end`, async () => {
    await onServer(major, async (target) => {
      const connect = {
        target,
        applicationName: "test",
        statementTimeoutMs: 30_000,
        lockTimeoutMs: 5_000,
        pooled: false,
      };
      const sql = connectSql({ ...connect, max: 1 });
      const records = openRecords({ ...connect, pooler: { pooled: false } });
      try {
        await migrate(sql, migrations);
        let isLost = true;
        const one = lone({
          run: async (query) => {
            const answer = await records.db.run(query);
            if (!isLost) return answer;
            isLost = false;
            throw Object.assign(new Error("write CONNECTION_CLOSED"), {
              code: "CONNECTION_CLOSED",
            });
          },
        });
        const { id } = await one.silences.create(input("first"), "me");
        const second = await one.silences.create(input("second"), "me");
        one.write();
        await one.silences.refresh();
        assert.equal((await sql`select from holdfast.alert_silences`).length, 1, "it is there");
        one.pass(minutes(10));
        await one.silences.end(id);
        await one.silences.refresh();
        assert.deepEqual(one.silences.present().map((each) => each.id), [second.id]);
        const rows = await sql`select id, ends_at from holdfast.alert_silences order by ends_at`;
        assert.deepEqual(
          rows.map((row) => [row.id, (row.ends_at as Date).toISOString()]),
          [[id, minutes(10).toISOString()], [second.id, minutes(60).toISOString()]],
        );
        assert.equal((await one.silences.list()).length, 2, "each is listed once");
      } finally {
        await records.end();
        await sql.end({ timeout: 1 });
      }
    });
  });
}

Deno.test("a silence made while the silences are read applies at once", async () => {
  let reads = 0;
  let release = () => {};
  const held = new Promise<void>((done) => release = done);
  const query: Record<string, unknown> = {};
  for (const part of ["select", "from", "where", "orderBy", "insert", "values"]) {
    query[part] = () => query;
  }
  query.onConflictDoUpdate = () => Promise.resolve();
  const saved: unknown[] = [];
  query.limit = async () => {
    const found = [...saved];
    if (reads++ === 0) await held;
    return found;
  };
  const { silences, write } = lone({
    run: async (work) => await work(query as unknown as Parameters<typeof work>[0]),
  });
  write();
  const refreshed = silences.refresh();
  const { id } = await silences.create(input("maintenance"), "me");
  saved.push({ ...silences.present()[0]!, ...times });
  release();
  await refreshed;
  assert.deepEqual(silences.present().map((one) => one.id), [id]);
});

Deno.test("a silence that cannot be saved still applies, and holds up neither the others nor the reading", async () => {
  const refusal = Object.assign(new Error("refused"), { severity: "ERROR", code: "22021" });
  const saved: string[] = [];
  const stored = {
    id: crypto.randomUUID(),
    ...{ rule: null, scope: null, reason: "stored", created_by: "you" },
    ...{ created_at: minutes(0), starts_at: minutes(0), ends_at: minutes(60) },
  };
  const insert = {
    values: ({ reason }: { reason: string }) => ({
      onConflictDoUpdate: () => {
        if (reason === "refused") return Promise.reject(refusal);
        saved.push(reason);
        return Promise.resolve();
      },
    }),
  };
  const rows = { from: () => rows, where: () => rows, orderBy: () => rows, limit: () => [stored] };
  const db = { insert: () => insert, select: () => rows };
  const one = lone({
    run: async (work) => await work(db as unknown as Parameters<typeof work>[0]),
  });
  await one.silences.create(input("refused"), "me");
  await one.silences.create(input("good"), "me");
  one.write();
  await one.silences.refresh();
  await one.silences.refresh();
  assert.deepEqual(saved, ["good"]);
  assert.deepEqual(one.silences.present().map(({ reason }) => reason), ["refused", "stored"]);
  assert.equal(one.logged(), 1, "the log says so once");
});
