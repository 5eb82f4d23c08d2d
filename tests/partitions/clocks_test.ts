import assert from "node:assert/strict";
import fc from "fast-check";
import type { ProgressRow } from "../../db/partitions/records/retention_progress.ts";
import { formatEnd } from "../../services/partitions/axis/bound.ts";
import { codecs } from "../../services/partitions/axis/key.ts";
import {
  type ClockReading,
  type ClockVerdict,
  createClockMemory,
  judgeClocks,
} from "../../services/partitions/restraint/clocks.ts";
import type {
  DetachedFacts,
  LeafFacts,
  TableFacts,
} from "../../services/partitions/planning/facts.ts";
import { planAll } from "../../services/partitions/planning/planner.ts";
import { restrain, usualLeaves } from "../../services/partitions/restraint/restraint.ts";
import type { Policy } from "../../services/partitions/policy.ts";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";

const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;
const start = Date.parse("2026-03-15T12:00:00Z");

const daily: Policy = {
  schema: "s",
  table: "t",
  interval: "1 day",
  time_zone: "UTC",
  key: "timestamptz",
  premake: 3,
  retention: { keep: "30 days", action: "drop" },
  cooldown: "1 day",
  seal: false,
  enabled: true,
  windows: null,
  sub_interval: null,
};

const clocks = (own: number, server: number, monotonic = 0, roundTrip = 2): ClockReading => ({
  own,
  server,
  monotonic,
  roundTrip,
});
const nothing = { recorded: undefined, anchor: undefined, back: undefined };
const kindOf = (verdict: ClockVerdict) => verdict.trusted ? "trusted" : verdict.kind;

Deno.test("clocks that are apart, jump or go back are not trusted; a slow answer, a restart and a day's sleep are", () => {
  const judge = (...args: Parameters<typeof judgeClocks>) => kindOf(judgeClocks(...args));
  assert.equal(judge(clocks(start, start), nothing, false), "trusted");
  assert.equal(judge(clocks(start + 30_000, start), nothing, false), "trusted");
  for (const far of [2 * year, -2 * year, 61_500, -61_500]) {
    assert.equal(judge(clocks(start + far, start), nothing, true), "skew");
  }
  assert.equal(judge(clocks(start + 70_000, start, 0, 30_000), nothing, false), "trusted");
  const recorded = { server: start, peak: start };
  const after = (ms: number) => clocks(start + ms, start + ms);
  assert.equal(judge(after(hour), { ...nothing, recorded }, false), "trusted");
  assert.equal(judge(after(23 * hour), { ...nothing, recorded }, false), "trusted");
  assert.equal(judge(after(5 * day), { ...nothing, recorded }, false), "ahead");
  assert.equal(judge(after(5 * day), { ...nothing, recorded }, true), "trusted", "it has rows");
  assert.equal(judge(after(2 * year), { ...nothing, recorded }, true), "ahead", "whatever it has");
  assert.equal(judge(after(-2 * year), { ...nothing, recorded }, true), "back");
  // While it runs, the time passed is known: five days of it are five days.
  const anchor = { server: start, monotonic: 0 };
  const ran = clocks(start + 5 * day, start + 5 * day, 5 * day);
  assert.equal(judge(ran, { ...nothing, anchor }, false), "trusted");
  const jumped = clocks(start + 5 * day, start + 5 * day, hour);
  assert.equal(judge(jumped, { ...nothing, anchor }, false), "ahead");
});

Deno.test("one or two leaves are usual, and those that a window or an absence had to wait for", () => {
  const usual = (policy: Partial<Policy>, sinceMs: number | undefined = start - hour) =>
    usualLeaves({ ...daily, ...policy }, { nowMs: start, sinceMs });
  assert.equal(usual({}), 2);
  assert.equal(usual({}, undefined), 2);
  assert.equal(usual({ interval: "1 mon" }), 2);
  assert.equal(usual({ interval: "10 minutes" }), 7);
  assert.equal(usual({}, start - 3 * day), 4);
  assert.equal(usual({}, start - 2 * year), 9, "but no more than of eight days");
  assert.equal(usual({ windows: [{ days: [7], from: "02:00", to: "04:00" }] }), 9);
  assert.equal(usual({ key: "id", interval: "1000", premake: 5 }), 5);
});

/** A table in memory: leaves by day, their rows, and what rotations made of them. */
class Model {
  leaves: (LeafFacts & { day: number })[] = [];
  detached: (DetachedFacts & { day: number })[] = [];
  lost: number[] = [];
  rowDays = new Set<number>();
  memory = createClockMemory();
  recorded: { server: number; peak: number } | undefined;
  progress = new Map<string, ProgressRow>();
  holds: string[] = [];
  oid = 1;

  constructor(readonly policy: Policy, firstDay: number, lastDay: number) {
    for (let at = firstDay; at <= lastDay; at++) {
      this.make(at);
      this.rowDays.add(at);
    }
  }

  make(at: number): void {
    if (this.leaves.some((leaf) => leaf.day === at)) return;
    if (this.detached.some((leaf) => leaf.day === at)) return;
    const end = (n: number) =>
      formatEnd(BigInt(n * day) * 1_000n, codecs.timestamptz, 1, (text) => `'${text}'`);
    this.leaves.push({
      day: at,
      oid: this.oid++,
      schema: "s",
      name: `t_${at}`,
      bound: `FOR VALUES FROM (${end(at)}) TO (${end(at + 1)})`,
      pending: false,
      partitioned: false,
      subs: 0,
      rows_estimate: 10,
      bytes: 8192,
      options: [],
      unlogged: false,
    });
  }

  facts(now: number): TableFacts {
    const keep = Number(/\d+/.exec(this.policy.retention?.keep ?? "")?.[0]) * day;
    const expired = (at: number) => (at + 1) * day <= now - keep;
    const filled = this.leaves.filter((leaf) => this.rowDays.has(leaf.day));
    const leaving = filled.some((leaf) => expired(leaf.day)) || this.detached.length > 0;
    const parent: NonNullable<TableFacts["parent"]> = {
      oid: 99,
      columns: ["ts"],
      keyColumns: ["ts"],
      keyType: "timestamp with time zone",
      owner: "owner",
      isOwner: true,
      owns: true,
      mayCreate: true,
      ownerMayCreate: true,
      gives: true,
      defaultGrants: false,
      ownerLacks: [],
      columnSettings: [],
      extendedStatistics: false,
      role: "owner",
      grants: [],
      replicaIdentity: "d",
      tablespace: null,
      accessMethod: null,
      rowSecurity: false,
      forceRowSecurity: false,
      referencedBy: [],
      references: [],
    };
    return {
      policy: this.policy,
      parent,
      problem: undefined,
      leaves: this.leaves,
      detached: this.detached,
      taken: new Map(),
      blockers: new Map(),
      defaultRows: new Map(),
      highestId: null,
      hollow: new Set(
        this.leaves.filter((leaf) => !this.rowDays.has(leaf.day)).map((leaf) => leaf.oid),
      ),
      newest: filled.some((leaf) => !expired(leaf.day)) ? "kept" : leaving ? "leaving" : "none",
    };
  }

  rotate(reading: ClockReading, fresh: boolean): void {
    const now = reading.server;
    const facts = this.facts(now);
    const plan = planAll([facts], {
      nowUs: BigInt(Math.round(now)) * 1_000n,
      maxPartitions: 50_000,
      horizonDays: 7,
    });
    const known = this.memory.of(this.recorded);
    const first = judgeClocks(reading, known, false);
    const verdict = kindOf(first) === "ahead" ? judgeClocks(reading, known, fresh) : first;
    const { held, holds, progress } = restrain([facts], plan, {
      clocks: verdict,
      nowMs: now,
      sinceMs: this.recorded?.server,
      peakMs: this.recorded?.peak,
      progress: this.progress,
      ranMs: this.memory.ranMs(reading),
      ratio: 0.1,
    });
    this.holds = holds.map(({ kind }) => kind);
    this.memory.record(reading, verdict, false);
    if (verdict.trusted) {
      for (const row of progress) this.progress.set("s.t", row);
      this.recorded = { server: now, peak: Math.max(now, this.recorded?.peak ?? now) };
    }
    for (const step of plan.steps) {
      if (held.has(step)) continue;
      const at = Number(step.partition.name.slice(2));
      if (step.action === "attach") this.make(Number((step.span?.from ?? 0n) / 86_400_000_000n));
      if (step.action === "detach") {
        const leaf = this.leaves.find((one) => one.day === at);
        this.leaves = this.leaves.filter((one) => one.day !== at);
        if (!leaf) continue;
        this.detached.push({
          day: at,
          id: String(leaf.oid),
          oid: leaf.oid,
          schema: "s",
          name: leaf.name,
          bound: leaf.bound ?? "",
          action: "drop",
          detachedAt: new Date(now).toISOString(),
          archivedAt: null,
          withinBrake: true,
          present: { oid: leaf.oid, attached: false },
          references: [],
          referencedBy: [],
        });
      }
      if (step.action === "drop") {
        this.detached = this.detached.filter((one) => one.day !== at);
        if (this.rowDays.has(at)) this.lost.push(at);
      }
    }
  }
}

type Event =
  | { kind: "hours"; hours: number }
  | { kind: "jump"; who: "both" | "own" | "server"; years: number }
  | { kind: "right" }
  | { kind: "restart"; offHours: number };
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("hours" as const), hours: fc.integer({ min: 1, max: 60 }) }),
    fc.record({
      kind: fc.constant("jump" as const),
      who: fc.constantFrom("both" as const, "own" as const, "server" as const),
      years: fc.constantFrom(2, -2, 1, -10),
    }),
    fc.record({ kind: fc.constant("right" as const) }),
    fc.record({
      kind: fc.constant("restart" as const),
      offHours: fc.integer({ min: 0, max: 100 }),
    }),
  ),
  { minLength: 1, maxLength: 12 },
);

Deno.test("a clock that jumps years ahead or back at any moment loses no row early, and retention goes on by itself once it is right", () => {
  fc.assert(
    fc.property(
      events,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 5, max: 120 }),
      fc.boolean(),
      (history, keep, age, feed) => {
        const policy = { ...daily, retention: { keep: `${keep} days`, action: "drop" as const } };
        const today = Math.floor(start / day);
        const model = new Model(policy, today - Math.min(age, keep), today);
        let [real, monotonic] = [start, 0];
        const off = { own: 0, server: 0 };
        const tick = (hours: number) => {
          for (let n = 0; n < hours; n++) {
            real += hour;
            monotonic += hour;
            const at = Math.floor(real / day);
            if (feed && model.leaves.some((leaf) => leaf.day === at)) model.rowDays.add(at);
            // Now and then, as the schedule does.
            if (n % 6 === 0 || n === hours - 1) rotate();
          }
        };
        const rotate = () => {
          const server = real + off.server;
          const newest = Math.max(...model.rowDays) * day;
          const fresh = newest + day > server - day && newest < server + hour;
          model.rotate(clocks(real + off.own, server, monotonic), fresh);
          const wrong = off.own !== 0 || off.server !== 0;
          for (const lost of model.lost) {
            assert.ok((lost + 1) * day + keep * day + day <= real, `day ${lost} was lost early`);
          }
          for (const { day: at } of model.detached) {
            assert.ok((at + 1) * day + keep * day <= real, `day ${at} was detached early`);
          }
          if (wrong && off.server > year && model.leaves.some((leaf) => leaf.day <= today)) {
            assert.ok(model.holds.length > 0, "it is told");
          }
        };
        rotate(); // once before anything happens
        for (const event of history) {
          if (event.kind === "hours") tick(event.hours);
          if (event.kind === "right") off.own = off.server = 0;
          if (event.kind === "jump") {
            const by = event.years * year;
            off.own = event.who === "server" ? 0 : by;
            off.server = event.who === "own" ? 0 : by;
          }
          if (event.kind === "restart") {
            real += event.offHours * hour;
            monotonic = 0;
            model.memory = createClockMemory();
            rotate();
          }
        }
        // The clock is right again, and Holdfast runs: without a word of anybody it trusts it.
        off.own = off.server = 0;
        const at = Math.floor(real / day);
        if (feed) {
          model.make(at);
          model.rowDays.add(at);
        }
        tick(2);
        tick(30);
        if (!feed) return;
        assert.ok(!model.holds.includes("clock"), "the clock is trusted by itself");
        // More than a week without a trusted time, a restart within, leaves a backlog that a person must confirm.
        const hours = history.reduce(
          (sum, one) =>
            sum + (one.kind === "restart" ? one.offHours : one.kind === "hours" ? one.hours : 0),
          0,
        );
        if (hours > 7 * 24 && history.some(({ kind }) => kind === "restart")) return;
        assert.deepEqual(model.holds, [], "retention goes on by itself");
        const limit = Math.floor((real - (keep + 2) * day) / day);
        assert.ok(!model.leaves.some((leaf) => leaf.day < limit), "what was due is gone");
      },
    ),
    { numRuns: Number(Deno.env.get("HOLDFAST_TEST_RUNS") ?? 200) },
  );
});

Deno.test("a clock that stays two years ahead for weeks, with rows dated by it, loses none of the rows before", () => {
  for (const keep of [1, 3, 10, 40]) {
    const policy = { ...daily, retention: { keep: `${keep} days`, action: "drop" as const } };
    const today = Math.floor(start / day);
    const model = new Model(policy, today - keep, today);
    let trusted = false;
    for (let hours = 0; hours < 24 * 40; hours++) {
      const server = start + hours * hour + (hours > 30 ? 2 * year : 0);
      model.make(Math.floor(server / day));
      model.rowDays.add(Math.floor(server / day));
      model.rotate(clocks(server, server, hours * hour), true);
      if (hours <= 30) continue;
      assert.ok(model.holds.length > 0, "it is told");
      trusted ||= !model.holds.includes("clock");
      const before = model.leaves.filter((leaf) => leaf.day <= today);
      assert.ok(before.length >= keep - 1, `${before.length} leaves of ${keep} days are there`);
      assert.ok(model.lost.every((at) => at <= today - keep), "nothing is lost early");
    }
    assert.ok(trusted, "the clock itself is trusted again");
  }
});

Deno.test("an honest pause is believed after a day of even time, with no row of the last day to speak for it", () => {
  for (const [pause, reason] of [[5 * day, []], [40 * day, ["brake"]]] as const) {
    const policy = { ...daily, retention: { keep: "60 days", action: "drop" as const } };
    const today = Math.floor(start / day);
    const model = new Model(policy, today - 10, today);
    model.rotate(clocks(start, start), false);
    model.memory = createClockMemory();
    for (let hours = 0; hours <= 24; hours++) {
      const server = start + pause + hours * hour;
      model.rotate(clocks(server, server, hours * hour), false);
      assert.deepEqual(model.holds, hours < 24 ? ["clock"] : [], "told though nothing is due");
    }
    // What is due by a long pause alone is for a person to confirm; one leaf a day after a short one is not.
    const long = new Model(policy, today - 59, today);
    long.rotate(clocks(start, start), false);
    long.memory = createClockMemory();
    for (let hours = 0; hours <= 24; hours++) {
      const server = start + (pause > 31 * day ? pause : 1.5 * day) + hours * hour;
      long.rotate(clocks(server, server, hours * hour), false);
    }
    assert.deepEqual(long.holds, reason);
  }
});

let guarded: Guarded;
Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

const isoOf = (ms: number) => new Date(ms).toISOString();

/** A table of a leaf a day that holds a thousand rows of the last ten days, kept for 30 days, then dropped. */
async function setUp(name: string, days = 10): Promise<void> {
  await guarded.sql`delete from holdfast.rotation_clock`;
  await guarded.sql`delete from holdfast.retention_progress`;
  await guarded.sql`delete from holdfast.partition_policies where table_name = 't'`;
  await guarded.sql.unsafe(`
    create schema ${name};
    create table ${name}.t (ts timestamptz not null, n int) partition by range (ts)`).simple();
  for (let back = days; back >= 0; back--) {
    const [from, to] = [start - 12 * hour - back * day, start - 12 * hour - (back - 1) * day];
    await guarded.sql.unsafe(`
      create table ${name}.d${String(back).padStart(3, "0")} partition of ${name}.t
        for values from ('${isoOf(from)}') to ('${isoOf(to)}')`);
  }
  await guarded.sql.unsafe(`
    insert into ${name}.t select '${
    isoOf(start)
  }'::timestamptz - g * interval '${days} days' / 1000, g
    from generate_series(1, 1000) as g`);
  await guarded.sql.unsafe(`vacuum analyze ${name}.t`);
}

const rowsOf = async (name: string) =>
  Number((await guarded.sql.unsafe(`select count(*) as n from ${name}.t`))[0]?.n);
const holdsOf = async (name: string) =>
  await guarded.sql<{ kind: string; reason: string; partitions: number }[]>`
    select kind, reason, partitions from holdfast.retention_holds where schema_name = ${name}`;
const policy = { retention: { keep: "30 days", action: "drop" as const }, cooldown: "1 day" };

Deno.test("started with a clock two years ahead, twice, two days apart: all rows are there, and it is told", async () => {
  for (const who of ["own", "both"] as const) {
    const name = `seen_${who}`;
    await setUp(name);
    /** A process of its own, whose clock is off by `off`, at a moment after the start. */
    const startAt = async (after: number, off: number) => {
      const real = start + after;
      const restraint = { serverNow: () => real + (who === "both" ? off : 0) };
      await using guardian = guarded.at(isoOf(real + off), { restraint });
      await guardian.put(`${name}.t`, policy);
      return await guardian.rotation.rotate("start");
    };
    for (const after of [0, 2 * day]) {
      const { detached, errors } = await startAt(after, 2 * year);
      assert.deepEqual([detached, errors], [[], []]);
      assert.equal(await rowsOf(name), 1_000);
      const [hold] = await holdsOf(name);
      if (who === "own") assert.equal(hold?.partitions, 0, "by the server's clock nothing is due");
      else {
        assert.equal(hold?.kind, after === 0 ? "newest" : hold?.kind);
        assert.equal(hold?.partitions, 11);
      }
    }
    // Right again: nothing is held back, and what is due goes by itself, a day's leaf a day.
    await startAt(3 * day, 0);
    await startAt(3 * day + hour, 0);
    assert.equal(await rowsOf(name), 1_000);
    const logged = await guarded.sql`
      select error from holdfast.maintenance_log where table_name = ${`${name}.t`} and action = 'hold'`;
    assert.ok(logged.length > 0, "it is told whether or not anything is due");
  }
});

Deno.test("with a rotation recorded before, a jump of both clocks holds all back; back again, retention goes on alone", async () => {
  await setUp("known");
  const time = { real: start, off: 0, monotonic: 0 };
  const restraint = {
    serverNow: () => time.real + time.off,
    monotonic: () => time.monotonic,
  };
  await using guardian = guarded.at(isoOf(start), { restraint });
  await guardian.put("known.t", { ...policy, retention: { keep: "9 days", action: "drop" } });
  const rotate = async (off: number) => {
    time.off = off;
    time.real += hour;
    time.monotonic += hour;
    guardian.clock.time = new Date(time.real + off);
    return await guardian.rotation.rotate("test");
  };
  assert.deepEqual((await rotate(0)).detached, ["d010"], "one leaf is usual");
  const before = await rowsOf("known");
  for (const off of [2 * year, 2 * year, -2 * year]) {
    assert.deepEqual((await rotate(off)).detached, []);
    assert.equal(await rowsOf("known"), before);
    const [hold] = await holdsOf("known");
    if (off > 0) {
      assert.equal(hold?.kind, "clock");
      assert.match(hold?.reason ?? "", /the clock jumped 730 d ahead while Holdfast ran/);
    }
  }
  // Two days later, the clock right: the cool-down of the first leaf is over, and the next two have expired.
  time.real += 2 * day;
  time.monotonic += 2 * day;
  await guarded.sql.unsafe(`insert into known.t values ('${isoOf(time.real)}', 0)`);
  const { detached } = await rotate(0);
  // With them go the empty leaves that were made while the clock was back.
  assert.deepEqual(detached.filter((name) => name.startsWith("d")), ["d009", "d008"]);
  assert.equal((await holdsOf("known")).length, 0);
  const [gone] = await guarded.sql`select to_regclass('known.d010') is null as gone`;
  assert.equal(gone?.gone, true, "dropped after its cool-down, by itself");
});

Deno.test("what goes beyond the brake is done by nobody but who confirms its digest", async () => {
  await setUp("brake", 40);
  await using guardian = guarded.at(isoOf(start), { restraint: {} });
  await guardian.put("brake.t", { ...policy, retention: { keep: "10 days", action: "detach" } });
  assert.deepEqual((await guardian.rotation.rotate("test")).detached, []);
  const [hold] = await holdsOf("brake");
  assert.equal(hold?.kind, "brake");
  assert.match(hold?.reason ?? "", /this would detach 30 of 4\d partitions at once/);
  const plan = await guardian.rotation.plan("brake.t");
  assert.equal(
    plan.steps.filter((step) => plan.held?.has(step)).length,
    30,
    "it says what it would do",
  );
  assert.match(plan.warnings.map(({ reason }) => reason).join(), /retention is held back/);
  const refused = await guardian.rotation.apply(plan.digest, "brake.t");
  assert.equal(refused.applied.length, 0);
  assert.match(refused.skipped[0]?.reason ?? "", /confirm: true/);
  assert.equal(Object.keys(await guarded.leaves("brake.t")).length > 40, true);
  await assert.rejects(
    guardian.rotation.apply("0".repeat(64), "brake.t", true),
    /have changed since/,
  );
  const done = await guardian.rotation.apply(plan.digest, "brake.t", true);
  assert.equal(done.applied.length, 30);
  assert.equal((await holdsOf("brake")).length, 0, "and nothing is held back any more");
});

Deno.test("what piled up while detaches failed goes by itself once they can be had; a shortened retention does not", async () => {
  await setUp("stuck", 14);
  const time = { real: start, monotonic: 0 };
  const restraint = { serverNow: () => time.real, monotonic: () => time.monotonic };
  await using guardian = guarded.at(isoOf(start), { restraint, lockTimeoutMs: 20 });
  const keep = (days: number) =>
    guardian.put("stuck.t", {
      ...policy,
      premake: 8,
      retention: { keep: `${days} days`, action: "detach" },
    });
  await keep(14);
  const rotate = async (hours: number) => {
    time.real += hours * hour;
    time.monotonic += hours * hour;
    guardian.clock.time = new Date(time.real);
    await guarded.sql.unsafe(`insert into stuck.t values ('${isoOf(time.real)}', 0)`);
    return await guardian.rotation.rotate("test");
  };
  await rotate(0);
  const other = await guarded.sql.reserve();
  await other`begin`;
  await other`lock table stuck.t in share update exclusive mode`;
  try {
    for (let day = 0; day < 5; day++) {
      const { detached, errors } = await rotate(24);
      assert.deepEqual(detached, []);
      assert.ok(day === 0 || errors.length > 0, "the detach waits for the lock");
      assert.equal((await holdsOf("stuck")).length, 0);
    }
  } finally {
    await other`rollback`;
    other.release();
  }
  const { detached } = await rotate(1);
  assert.ok(detached.length >= 4, detached.join());
  assert.equal((await holdsOf("stuck")).length, 0);
  await keep(5);
  assert.deepEqual((await rotate(1)).detached, []);
  assert.equal((await holdsOf("stuck"))[0]?.kind, "brake");
});

Deno.test("a cool-down begins under a trusted clock only, and anew where it was dated ahead", async () => {
  await setUp("cool", 10);
  const time = { real: start, off: 0, monotonic: 0 };
  const restraint = { serverNow: () => time.real + time.off, monotonic: () => time.monotonic };
  await using guardian = guarded.at(isoOf(start), { restraint });
  await guardian.put("cool.t", { ...policy, retention: { keep: "9 days", action: "drop" } });
  const rotate = async (off: number) => {
    time.off = off;
    time.real += hour;
    time.monotonic += hour;
    guardian.clock.time = new Date(time.real + off);
    await guardian.rotation.rotate("test");
    const [row] = await guarded.sql<{ at: number | null }[]>`
      select (extract(epoch from detached_at) * 1000)::float8 as at
      from holdfast.detached_partitions where table_name = 't' and schema_name = 'cool'`;
    return row?.at;
  };
  assert.equal(await rotate(0), time.real, "begun at once");
  const set = (at: string | null) =>
    guarded
      .sql`update holdfast.detached_partitions set detached_at = ${at}::text::timestamptz where schema_name = 'cool'`;
  await set(null);
  assert.equal(await rotate(-56 * year), null, "not by a clock of 1970");
  assert.equal(await rotate(0), time.real, "but once it is right");
  await set(isoOf(start + 2 * year));
  assert.equal(await rotate(2 * year), start + 2 * year, "not by a clock that is ahead");
  assert.equal(await rotate(0), time.real, "anew once it is right");
  const [there] = await guarded.sql`select to_regclass('cool.d010') is not null as there`;
  assert.equal(there?.there, true);
});
