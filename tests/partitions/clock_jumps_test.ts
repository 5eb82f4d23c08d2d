import assert from "node:assert/strict";
import { PgDialect } from "drizzle-orm/pg-core";
import { connectSql } from "../../db/connection.ts";
import { dropLeaves, makeLeaves } from "../../db/history/leaves.ts";
import { rollUp, rollupState } from "../../db/history/samples.ts";
import { daysAgo } from "../../db/records/conditions.ts";
import { readTrustedMs } from "../../db/server/clock.ts";
import { createLogger } from "../../log.ts";
import { createSessions } from "../../services/auth/sessions.ts";
import { calm, step } from "../../services/alerts/evaluation/step.ts";
import { noticeDue } from "../../services/alerts/notify/due.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import type { Alert } from "../../services/alerts/alert.ts";
import type { BackupRecord } from "../../services/backups/record.ts";
import { reportBackups } from "../../services/backups/report.ts";
import { newestFirst, retire } from "../../services/backups/retention.ts";
import { whatIsDue } from "../../services/backups/schedule.ts";
import { createFullness } from "../../services/ingest/admission/fullness.ts";
import { emptyReading, freshValue } from "../../services/monitor/collect/reading.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;
const clock = { off: 0, now: () => new Date(Date.now() + clock.off) };

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_STATS_TIER_SECONDS: "5" }, {
    clock,
    ownOnly: true,
  });
});
Deno.test.afterAll(() => app.stop());

interface Health {
  tables: { table: string; problems: string[] }[];
}

/** Every tier is read, and what came of it is judged. */
async function look(): Promise<void> {
  for (const tier of ["slow", "stats", "fast"] as const) await app.holdfast.monitor.runNow(tier);
}

Deno.test("a clock of Holdfast that is years off fires an alert and removes no data", async () => {
  const today = new Date().toISOString().slice(0, 10);
  // One leaf is due by the right clock, and the next one not before twelve hours from now, whatever time of day it is.
  const keepHours = 18 * 24 - 12 + new Date().getUTCHours();
  await app.sql.unsafe(`
    create table public.seen (ts timestamptz not null, n int) partition by range (ts);
    do $$ begin
      for back in 0..19 loop
        execute format('create table public.seen_%s partition of public.seen for values from (%L) to (%L)', back,
          timestamptz '${today}Z' - back * interval '1 day', timestamptz '${today}Z' - (back - 1) * interval '1 day');
      end loop;
    end $$;
    insert into public.seen select timestamptz '${today}Z' - g * interval '19 days' / 1000, g from generate_series(0, 999) as g;
    analyze public.seen`).simple();
  const put = await app.request("/api/partitions/policies/public.seen", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      interval: "1 day",
      key: "timestamptz",
      premake: 1,
      cooldown: "1 day",
      // As seen; and one leaf that is due by the right clock, too.
      retention: { keep: `${keepHours} hours`, action: "drop" },
    }),
  });
  assert.equal(put.status, 200, await put.text());
  const rows = async () => Number((await app.sql`select count(*) as n from public.seen`)[0]?.n);
  const problems = async () =>
    (await app.json<Health>("/api/health/partitions")).tables
      .find(({ table }) => table === "public.seen")?.problems.join() ?? "";
  const skew = () =>
    app.holdfast.monitor.snapshot().signals.find(({ name }) => name === "clock_skew_seconds")
      ?.value ?? null;
  await look();
  assert.ok((skew() ?? 99) < 2, `right clocks agree: ${skew()}`);
  let expected = 1_000;
  for (const years of [2, -2]) {
    clock.off = years * year;
    for (let n = 0; n < 2; n++) {
      await app.holdfast.everyHour();
      clock.off += 2 * day;
    }
    clock.off = years * year;
    assert.equal(await rows(), expected);
    await look();
    assert.ok(Math.abs((skew() ?? 0) * 1000 - 2 * year) < day, `${skew()}`);
    await eventually(async () => {
      await look();
      const firing = await app.json<{ alerts: { rule: string; severity: string }[] }>(
        "/api/alerts?state=firing",
      );
      clock.off += 40_000; // the rule waits half a minute
      return firing.alerts.some(({ rule, severity }) =>
        rule === "clock_skew" && severity === "critical"
      );
    }, "the skew is told");
    // Afterwards nothing is due any more, and nothing to be held back.
    if (years > 0) {
      await eventually(async () => {
        await look();
        return /retention is held back: Holdfast's clock is 7\d\d d (ahead of|behind) the server's/
          .test(
            await problems(),
          );
      }, "retention says why it is held back");
    }
    const metrics = await (await app.request("/metrics")).text();
    assert.match(metrics, /holdfast_clock_skew_seconds 6\d{7}/);
    const answer = await app.post("/api/ticks?create=true", [
      { ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 },
    ]);
    const { accepted, quarantined } = await answer.json();
    assert.deepEqual([accepted, quarantined], [0, 1]);
    const { quarantine } = await app.json<{ quarantine: { detail: string }[] }>(
      "/api/quarantine",
    );
    assert.match(quarantine[0]?.detail ?? "", /Holdfast's clock/);
    clock.off = 0;
    await app.holdfast.everyHour();
    await eventually(async () => {
      await look();
      return !/held back/.test(await problems());
    }, "it goes on by itself");
    expected = await rows();
    assert.ok(expected > 900, "but for the one leaf that was due");
  }
  const [left] = await app.sql`
    select count(*)::int as n from holdfast.detached_partitions where table_name = 'seen'`;
  assert.ok(left?.n >= 1, "what was due by the right clock has gone");
});

Deno.test("records are deleted by a time that no clock's jump moves", async () => {
  const sql = app.sql;
  const trusted = await readTrustedMs(sql);
  assert.ok(Math.abs(trusted - Date.now()) < hour);
  // The last trusted rotation was years ago by the server's clock, as after a jump ahead: nothing is that old.
  const [{ server_at: kept } = { server_at: "" }] = await sql<{ server_at: string }[]>`
    select server_at::text from holdfast.rotation_clock`;
  await sql`insert into holdfast.idempotency_keys (key, created_at) values ('aged', now() - interval '400 days')`;
  await sql`insert into holdfast.quarantine (reason, path, detail, line, raw, received_at)
    values ('stale', 'ts', 'aged', 1, 'x', now() - interval '400 days')`;
  await sql`update holdfast.rotation_clock set peak_at = now() - interval '2 years', server_at = now() - interval '2 years'`;
  const counts = async () => {
    const [row] = await sql`select
      (select count(*) from holdfast.idempotency_keys where key = 'aged')::int as keys,
      (select count(*) from holdfast.quarantine where detail = 'aged')::int as rows`;
    return [row?.keys, row?.rows];
  };
  await app.holdfast.everyMinute();
  assert.deepEqual(await counts(), [1, 1]);
  await makeLeaves(sql, [{
    table: "samples",
    name: "samples_p20200101_test",
    from: Date.UTC(2020, 0, 1),
    to: Date.UTC(2020, 0, 1, 6),
  }]);
  const old = { now: Date.now(), keepMs: 365 * 4 * day + 2.5 * year };
  assert.deepEqual(await dropLeaves(sql, "samples", old), []);
  await sql`update holdfast.rotation_clock set peak_at = ${kept}::text::timestamptz, server_at = ${kept}::text::timestamptz`;
  await app.holdfast.everyMinute();
  assert.deepEqual(await counts(), [0, 0], "once the clock is trusted, they go");
  // A clock of ours that is ahead deletes nothing either.
  assert.deepEqual(
    await dropLeaves(sql, "samples", { now: Date.now() + 2 * year, keepMs: 7 * year }),
    [],
  );
  assert.deepEqual(await dropLeaves(sql, "samples", { now: Date.now(), keepMs: 5 * year }), [
    "samples_p20200101_test",
  ]);
});

Deno.test("a regular job that fails keeps no other from being done, and trusted time is asked once a statement", async () => {
  const sql = app.sql;
  await sql`insert into holdfast.quarantine (reason, path, detail, line, raw, received_at)
    values ('stale', 'ts', 'after', 1, 'x', now() - interval '400 days')`;
  await sql`alter table holdfast.idempotency_keys rename to keys_away`;
  try {
    await app.holdfast.everyMinute();
  } finally {
    await sql`alter table holdfast.keys_away rename to idempotency_keys`;
  }
  const left = await sql`select 1 from holdfast.quarantine where detail = 'after'`;
  assert.equal(left.length, 0);
  const failed = app.logs.find(({ event }) => event === "regular_job_failed");
  assert.equal(failed?.job, "idempotency_keys");
  const age = new PgDialect().sqlToQuery(daysAgo(30)).sql;
  assert.match(age, /^\(select holdfast\.trusted_now\(\)\) /);
  for (
    const file of [
      "db/market/idempotency.ts",
      "db/alerts/expired.ts",
      "db/history/changes.ts",
      "db/live/instances.ts",
    ]
  ) {
    const text = await Deno.readTextFile(file);
    assert.ok(text.includes("daysAgo(") && !text.includes("trusted_now"), file);
  }
});

Deno.test("what a clock that was ahead rolled up does not keep the rest from being rolled up", async () => {
  const sql = connectSql({
    target: app.holdfast.target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  const now = Date.UTC(2022, 0, 3, 12);
  const ask = {
    table: "samples_1m" as const,
    source: "samples" as const,
    seconds: 60,
    before: now,
  };
  try {
    await sql`begin`;
    await rollUp(sql, { ...ask, from: now + 2 * year, to: now + 2 * year + 60_000 });
    const { until } = await rollupState(sql, ask);
    assert.ok(until === null || until <= now + 60_000, `${until}`);
    await rollUp(sql, { ...ask, from: now - 60_000, to: now });
    assert.equal((await rollupState(sql, ask)).until, now);
  } finally {
    await sql`rollback`;
    await sql.end();
  }
});

Deno.test("the lease of a judge that a jump made endless is taken over", async () => {
  await app.sql`
    update holdfast.alert_lease set holder = 'gone', renewed_at = now() + interval '2 years', until = now() + interval '2 years'`;
  await eventually(async () => {
    await look();
    const [lease] = await app
      .sql`select holder, until < now() + interval '1 hour' as soon from holdfast.alert_lease`;
    return lease?.holder !== "gone" && lease?.soon;
  }, "the lease is taken over");
});

Deno.test("a session begun by a clock that was ahead does not outlive its hours", async () => {
  const own = { time: 0, now: () => new Date(own.time) };
  const folder = await Deno.makeTempDir();
  const sessions = createSessions({
    path: `${folder}/sessions.json`,
    settings: [],
    isToken: () => true,
    clock: own,
    log: createLogger({ level: "error" }),
  });
  own.time = Date.UTC(2026, 0, 1) + 2 * year;
  const { value } = sessions.begin("a token");
  assert.equal(sessions.find(value)?.tokenId, "a token");
  own.time = Date.UTC(2026, 0, 1);
  assert.equal(sessions.find(value), undefined);
  const fresh = sessions.begin("a token");
  assert.equal(sessions.find(fresh.value)?.tokenId, "a token");
  own.time += 2 * year;
  assert.equal(sessions.find(fresh.value), undefined, "ahead: to be logged in again");
  await sessions.settled();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("alerts fire, resolve, cool down and are reminded of after a jump either way", () => {
  const rule = {
    ...shippedRules.find(({ name }) => name === "connections")!,
    enabled: true,
    for_seconds: 60,
    keep_firing_seconds: 60,
    cooldown_seconds: 300,
  };
  const [bad, well] = [rule.warning!, rule.clear];
  for (const jump of [2 * year, -2 * year]) {
    const start = Date.UTC(2026, 0, 1);
    // Pending when the clock jumps: it fires a minute later at most.
    let state = step(rule, calm, bad, start).state;
    let at = start + jump;
    let fired = false;
    for (let n = 0; n <= 2; n++, at += 60_000) {
      const next = step(rule, state, bad, at);
      fired ||= next.transition?.kind === "fired";
      state = next.state;
    }
    assert.ok(fired, `it fires after a jump of ${jump / year} years`);
    // Firing and clear when the clock jumps back again.
    state = step(rule, state, well, at).state;
    at -= jump;
    let resolved = false;
    for (let n = 0; n <= 2; n++, at += 60_000) {
      const next = step(rule, state, well, at);
      resolved ||= next.transition?.kind === "resolved";
      state = next.state;
    }
    assert.ok(resolved || jump < 0, "it resolves");
    // Its cool-down is over in its own time.
    at += jump;
    let again = false;
    for (let n = 0; n <= 8; n++, at += 60_000) {
      const next = step(rule, state, bad, at);
      again ||= next.transition?.kind === "fired";
      state = next.state;
    }
    assert.ok(again, "it fires again");
  }
  const alert = {
    state: "firing",
    severity: "warning",
    notified_at: new Date(Date.UTC(2028, 0, 1)).toISOString(),
    notified_severity: "warning",
    acknowledged_at: null,
  } as unknown as Alert;
  assert.equal(noticeDue(alert, { now: Date.UTC(2026, 0, 1), remindMs: hour }), "reminder");
});

const backup = (started: number, lsn: string | null, proven = true): BackupRecord => ({
  id: new Date(started).toISOString(),
  kind: lsn === null ? "logical" : "base",
  status: "complete",
  system: "1",
  server_version: 180004,
  embedded: true,
  database: "holdfast",
  started_at: new Date(started).toISOString(),
  finished_at: new Date(started).toISOString(),
  duration_seconds: 1,
  start_lsn: lsn,
  end_lsn: lsn,
  timeline: lsn === null ? null : 1,
  segment_bytes: 16_777_216,
  first_xid: "7",
  bytes: 1,
  raw_bytes: 1,
  files: {},
  proof: proven
    ? { at: new Date(started).toISOString(), recovery_seconds: 1, problems: [], notes: [] }
    : null,
  verified_at: null,
  problems: [],
});

Deno.test("backups are kept by their place in the WAL, and taken and judged by no date of the future", () => {
  const now = Date.UTC(2026, 0, 10);
  const byDate = (records: BackupRecord[]) =>
    records.sort((a, b) => a.started_at < b.started_at ? 1 : -1);
  for (const jump of [2 * year, -2 * year]) {
    // Three of a clock that was off lie between the older and the newer ones.
    const older = [1, 2].map((n) => backup(now - (10 - n) * day, `0/${n}000028`));
    const off = [3, 4, 5].map((n) => backup(now + jump - (10 - n) * day, `0/${n}000028`));
    const newer = [6, 7].map((n) => backup(now - (10 - n) * day, `0/${n}000028`));
    const records = byDate([...older, ...off, ...newer]);
    assert.deepEqual(
      newestFirst(records, now).map(({ start_lsn }) => start_lsn),
      [7, 6, 5, 4, 3, 2, 1].map((n) => `0/${n}000028`),
    );
    const gone = retire(records, 3, { now }).map(({ start_lsn }) => start_lsn);
    assert.deepEqual(gone.sort(), [1, 2, 3, 4].map((n) => `0/${n}000028`));
  }
  // Three logical ones of a clock that was ahead do not push out those taken since.
  for (const lsn of [null, "0/3000028"]) {
    const off = [1, 2, 3].map((n) => backup(now + 2 * year - n * day, lsn));
    const since = [3, 2, 1].map((n) => backup(now - n * day, null));
    for (let taken = 1; taken <= since.length; taken++) {
      const records = byDate([...off, ...since.slice(0, taken)]);
      const gone = new Set(retire(records, 3, { now }));
      assert.ok(since.every((one) => !gone.has(one)), "what was taken since stays");
      assert.equal(gone.size, taken);
    }
  }
  const many = byDate([1, 2, 3, 4, 5].map((n) => backup(now + year - n * day, null)));
  assert.ok(
    retire(many, 3, { now, taken: many[4]!.id }).every(({ id }) => id !== many[4]!.id),
    "the one just taken stays, whatever its date",
  );
  const common = {
    startedAt: now - day,
    backupHours: 24,
    drillHours: 168,
    lastFailureAt: undefined,
    lastDrillAt: undefined,
    now,
  };
  const future = backup(now + 2 * year, "0/3000028");
  const past = backup(now - 25 * hour, "0/2000028");
  assert.equal(whatIsDue({ ...common, records: [future, past] }), "backup");
  assert.equal(whatIsDue({ ...common, records: [future] }), "backup");
  assert.equal(whatIsDue({ ...common, records: [], startedAt: now + 2 * year }), "backup");
  assert.equal(
    whatIsDue({ ...common, records: [past], lastFailureAt: now + 2 * year }),
    "backup",
    "a failure that a wrong clock dated is no reason to wait for years",
  );
  const health = (records: BackupRecord[]) =>
    reportBackups({
      records,
      archive: { enabled: false, lagSeconds: null, problem: undefined },
      scheduled: true,
      startedAt: now - day,
      now,
      problems: [],
    });
  assert.equal(health([future, past]).backup_age_seconds, 25 * 3_600);
  assert.equal(health([future]).backup_age_seconds, 24 * 3_600, "its age is not known");
  assert.equal(health([future]).unproven_seconds, 24 * 3_600);
});

Deno.test("what was seen by a clock that was ahead is neither fresh nor in force for years", () => {
  const now = Date.UTC(2026, 0, 1);
  const reading = { ...emptyReading<number>(), value: 1, at: now + 2 * year };
  assert.equal(freshValue(reading, now, hour), undefined);
  const own = { time: now + 2 * year, now: () => new Date(own.time) };
  const fullness = createFullness({ clock: own });
  fullness.refused();
  assert.notEqual(fullness.since(), undefined);
  own.time = now;
  assert.equal(fullness.since(), undefined);
});
