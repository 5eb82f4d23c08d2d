import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { collectors } from "../../db/collectors/list.ts";
import type { Target } from "../../db/connection.ts";
import { decodeForeign, decodeForeignText, foreignBytesMax } from "../../db/foreign_text.ts";
import { databaseHealth } from "../../services/monitor/health/health.ts";
import { locksReport, queriesReport } from "../../services/monitor/health/reports.ts";
import { eventually } from "../helpers/eventually.ts";
import { majors, onServer, openPlain } from "../helpers/majors.ts";
import { createLoneMonitor } from "../helpers/monitor.ts";
import { openRawSession, type RawSession } from "../helpers/raw_session.ts";

const tiers = ["fast", "stats", "slow", "hourly"] as const;

Deno.test("any bytes decode, text comes out as it went in, and a cut leaves no half character", () => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
    assert.equal(typeof decodeForeignText(base64(bytes)), "string");
  }));
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
    const bytes = new TextEncoder().encode(text).subarray(0, foreignBytesMax);
    const found = decodeForeignText(base64(bytes));
    assert.ok(text.startsWith(found) || text.isWellFormed() === false, found);
    assert.ok(found.length >= text.length || bytes.length > foreignBytesMax - 4);
  }));
  const row = { pid: 1, query: base64(new Uint8Array([0x63, 0xe9])), list: [{ query: "YQ==" }] };
  assert.deepEqual(decodeForeign([row], ["query"]), [
    { pid: 1, query: "c\ufffd", list: [{ query: "a" }] },
  ]);
  assert.deepEqual(decodeForeign([{ query: null }], ["query"]), [{ query: null }]);
});

Deno.test("text of other databases in any encoding fails no collector, and shows with replacement characters", async (t) => {
  for (const major of majors) {
    await t.step(`on Postgres ${major}`, () => onServer(major, showForeign));
  }
});

async function showForeign(target: Target): Promise<void> {
  const sql = openPlain(target);
  await sql.unsafe("create extension pg_stat_statements");
  for (const [name, encoding] of [["legacy", "LATIN1"], ["bytes", "SQL_ASCII"]]) {
    await sql.unsafe(
      `create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`,
    );
  }
  const sessions: RawSession[] = [];
  const session = async (database: string, user = "postgres") => {
    const opened = await openRawSession(target, { database, user });
    sessions.push(opened);
    return opened;
  };
  const watching = await createLoneMonitor(target);
  const { monitor } = watching;
  try {
    const maker = await session("bytes");
    await maker.query('create role "r\xf4le" login');
    await maker.query('create database "d\xe9p\xf4t"');
    // Idle in a transaction under a name that is no UTF-8, with a backslash that a cast would trip over.
    const idle = await session("bytes", "r\xf4le");
    await idle.query("begin");
    await idle.query("select 'caf\xe9 \\ \xff\xfe'");
    await idle.query('select txid_current() as "\xe9t\xe9 \\"');
    const blocker = await session("legacy");
    await blocker.query("set client_encoding = 'LATIN1'");
    await blocker.query("create table public.prix (id int)");
    await blocker.query("begin");
    await blocker.query("lock table public.prix /* verrou pos\xe9 */");
    const waiter = await session("legacy");
    await waiter.query("set client_encoding = 'LATIN1'");
    // The cut at 500 bytes goes through an escape of nothing: each byte is no character here.
    await waiter.begin(`select from public.prix /* ${"\xe9".repeat(600)} */`);
    await eventually(async () => {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock'`;
      return row?.count === 1;
    }, "one waits");
    const shown = await session("postgres");
    await shown.query("select 'a statement whose text is wanted'");
    for (const tier of [...tiers, ...tiers]) await monitor.runNow(tier);
    const snapshot = monitor.snapshot();
    assert.equal(snapshot.unreachable, undefined);
    for (const { name } of collectors) {
      assert.equal(snapshot.readings[name].error, undefined, name);
    }
    assert.deepEqual(watching.firing().filter((one) => /database|collector/.test(one)), []);
    const [root] = locksReport(snapshot).roots;
    assert.equal(root?.query, "lock table public.prix /* verrou pos\ufffd */");
    assert.match(root.blocked[0]?.query ?? "", /^select from public\.prix \/\* \ufffd+$/);
    const oldest = snapshot.readings.activity.value?.[0]?.oldest_transactions ?? [];
    assert.deepEqual(oldest[0] && [oldest[0].user, oldest[0].query], [
      "r\ufffdle",
      'select txid_current() as "\ufffdt\ufffd \\"',
    ]);
    assert.equal(oldest[0]?.state, "idle in transaction");

    // One text of the SQL_ASCII database keeps the server from showing any.
    const spot = databaseHealth(snapshot).checks.find(({ name }) => name === "statement_texts");
    assert.match(spot?.detail ?? "", /22021: invalid byte sequence/);
    const report = () => queriesReport(monitor.snapshot(), { between: () => [] }, "total", "time");
    assert.equal(report().status, "known", "what statements cost is known all the same");
    // A fetch that took long is followed by a pause.
    await eventually(async () => {
      await monitor.runNow("stats");
      return report().queries.some(({ query }) => query !== null);
    }, "the text of what a session shows is known");
  } finally {
    for (const one of sessions) one.close();
    await watching.stop();
    await sql.end();
  }
}
