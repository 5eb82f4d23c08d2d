import assert from "node:assert/strict";
import fc from "fast-check";
import { levelOf } from "../../services/alerts/rules/rule.ts";
import { backupRules } from "../../services/alerts/rules/catalog/backups.ts";
import { createScram } from "../../db/backups/scram.ts";
import { createMessageCutter, writeMessage } from "../../db/backups/wire.ts";
import type { BackupRecord } from "../../services/backups/record.ts";
import { reportBackups } from "../../services/backups/report.ts";
import { isProven, readRecord, writeRecord } from "../../services/backups/record.ts";
import { retire } from "../../services/backups/retention.ts";
import { chooseBackup } from "../../services/backups/restore/restore.ts";
import { newestComplete, whatIsDue } from "../../services/backups/schedule.ts";
import { createTarHasher } from "../../services/backups/base/base_backup.ts";
import {
  missingSegments,
  parseLsn,
  partsOf,
  segmentOf,
} from "../../services/backups/wal/segments.ts";

const hour = 3_600_000;
const start = Date.parse("2026-01-31T00:00:00Z");

function record(at: number, state: "proven" | "unproven" | "failed" | "corrupt"): BackupRecord {
  const time = new Date(start + at * hour).toISOString();
  return {
    id: `${time}`,
    kind: "base",
    status: state === "failed" || state === "corrupt" ? state : "complete",
    system: "1",
    server_version: 180004,
    embedded: true,
    database: "holdfast",
    started_at: time,
    finished_at: time,
    duration_seconds: 1,
    start_lsn: "0/2000028",
    end_lsn: "0/2000120",
    timeline: 1,
    segment_bytes: 16_777_216,
    first_xid: "7",
    bytes: 1,
    raw_bytes: 1,
    files: {},
    proof: state === "proven" ? { at: time, recovery_seconds: 1, problems: [], notes: [] } : null,
    verified_at: null,
    problems: [],
  };
}

Deno.test("retention keeps the newest proven backups and the newest complete one", () => {
  const states = fc.array(fc.constantFrom("proven", "unproven", "failed", "corrupt"), {
    maxLength: 30,
  });
  fc.assert(fc.property(states, fc.integer({ min: 1, max: 5 }), (list, keep) => {
    const records = list.map((state, at) => record(list.length - at, state));
    const gone = new Set(retire(records, keep, { now: Date.now() }));
    const proven = records.filter(isProven);
    for (const one of proven.slice(0, keep)) assert.ok(!gone.has(one));
    const newest = records.find(({ status }) => status === "complete");
    if (newest) assert.ok(!gone.has(newest));
    if (proven.length < keep) assert.ok(!proven.some((one) => gone.has(one)));
    const left = records.filter((one) => !gone.has(one));
    assert.ok(left.length <= 3 * keep + 5, `${left.length} of ${records.length} kept`);
  }));
});

Deno.test("the first backup is due after an hour, a drill after each new one, then by schedule", () => {
  const due = (records: BackupRecord[], hours: number, more = {}) =>
    whatIsDue({
      records,
      now: start + hours * hour,
      startedAt: start,
      backupHours: 24,
      drillHours: 24,
      lastFailureAt: undefined,
      lastDrillAt: undefined,
      ...more,
    });
  assert.equal(due([], 0.9), undefined);
  assert.equal(due([], 1), "backup");
  assert.equal(due([record(1, "unproven")], 1.1), "drill");
  assert.equal(due([record(1, "proven")], 1.2), undefined);
  assert.equal(due([record(1, "proven")], 25), "backup");
  assert.equal(due([record(1, "proven")], 25, { backupHours: 48 }), "drill");
  assert.equal(due([record(1, "proven")], 25, { lastFailureAt: start + 24.5 * hour }), undefined);
  assert.equal(due([record(1, "failed")], 2), "backup");
  assert.equal(due([], 1_000, { backupHours: 0 }), undefined);
});

Deno.test("a backup that a clock ahead dated is neither proven again and again nor restored as the newest", () => {
  const ahead = { ...record(50, "unproven"), start_lsn: "0/2000028" };
  const newest = { ...record(2, "unproven"), start_lsn: "0/5000028" };
  const records = [ahead, newest];
  const now = start + 3 * hour;
  assert.equal(newestComplete(records, now), newest);
  assert.equal(chooseBackup(records, undefined, undefined), newest);
  assert.equal(chooseBackup(records, undefined, ahead.id), ahead);
});

Deno.test("health measures age from the start without a backup, and not at all without a schedule", () => {
  const report = (records: BackupRecord[], scheduled: boolean) =>
    reportBackups({
      records,
      archive: { enabled: false, lagSeconds: null, problem: undefined },
      scheduled,
      startedAt: start,
      now: start + 30 * hour,
      problems: [],
    });
  assert.equal(report([], true).backup_age_seconds, 30 * 3_600);
  assert.equal(report([], false).backup_age_seconds, null);
  const some = report([record(29, "unproven"), record(5, "proven")], true);
  assert.deepEqual([some.backup_age_seconds, some.unproven_seconds], [3_600, 25 * 3_600]);
});

Deno.test("a written record parses to the same record", () => {
  const one = record(3, "proven");
  assert.deepEqual(readRecord(writeRecord(one)), one);
});

Deno.test("WAL positions map to segment names and back, and gaps are found", () => {
  assert.equal(segmentOf(1, parseLsn("0/2000028"), 16_777_216), "000000010000000000000002");
  assert.equal(segmentOf(3, parseLsn("1/FF000000"), 16_777_216), "0000000300000001000000FF");
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1_000 }),
    fc.bigInt({ min: 0n, max: 2n ** 40n - 1n }),
    (timeline, number) => {
      const name = segmentOf(timeline, number * 16_777_216n, 16_777_216);
      assert.deepEqual(partsOf(name, 16_777_216), { timeline, number });
    },
  ));
  const name = (n: number) => segmentOf(1, BigInt(n) * 16_777_216n, 16_777_216);
  assert.deepEqual(
    missingSegments([name(254), name(257)], { first: name(254), segmentBytes: 16_777_216 }),
    [
      name(255),
      name(256),
    ],
  );
});

Deno.test("protocol messages are complete however the stream is split", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }),
    fc.integer({ min: 1, max: 17 }),
    (bodies, step) => {
      const bytes = bodies.flatMap((body) => [...writeMessage("d", body)]);
      const cutter = createMessageCutter();
      const found: number[][] = [];
      for (let at = 0; at < bytes.length; at += step) {
        for (const { type, body } of cutter.feed(new Uint8Array(bytes.slice(at, at + step)))) {
          assert.equal(type, "d");
          found.push([...body]);
        }
      }
      assert.deepEqual(found, bodies.map((body) => [...body]));
    },
  ));
});

Deno.test("SCRAM-SHA-256 matches RFC 7677 and rejects a server without the password", () => {
  const scram = createScram("pencil", "rOprNGfwEbeRWgbNEkqO");
  const answer = scram.answer(
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  );
  // The RFC's example names a user where Postgres does not: the proof differs, the rest does not.
  assert.match(
    answer,
    /^c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,p=[\w+/]{43}=$/,
  );
  assert.throws(
    () => scram.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    /could not prove/,
  );
  assert.throws(() => createScram("x", "abc").answer("r=zzz,s=AA==,i=4096"), /does not fit/);
});

Deno.test("a truncated archive, other bytes and unknown entries are refused", async () => {
  const short = createTarHasher();
  await short.feed(new Uint8Array(300));
  assert.throws(() => short.end(), /cut short/);
  await assert.rejects(() => createTarHasher().feed(new Uint8Array(512).fill(65)), /is damaged/);
  // A header of a GNU long name (type L): its checksum counts its own field as blanks.
  const header = new Uint8Array(512);
  header[156] = "L".charCodeAt(0);
  header.set(new TextEncoder().encode((8 * 32 + header[156]!).toString(8)), 148);
  await assert.rejects(() => createTarHasher().feed(header), /entry of unknown type "L"/);
});

Deno.test("each backup rule fires at its level and not just below it", () => {
  for (const rule of backupRules) {
    const { warning, critical, clear } = rule;
    assert.ok(warning !== null);
    assert.equal(levelOf(rule, warning), "warning", rule.name);
    assert.equal(levelOf(rule, clear), "clear", rule.name);
    if (critical !== null) assert.equal(levelOf(rule, critical), "critical", rule.name);
    if (warning - 1 > clear) assert.equal(levelOf(rule, warning - 1), undefined, rule.name);
  }
});
