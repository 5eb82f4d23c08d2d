import assert from "node:assert/strict";
import fc from "fast-check";
import { createAxis } from "../../services/partitions/axis/axis.ts";
import { formatEnd, parseBound } from "../../services/partitions/axis/bound.ts";
import { dayUs } from "../../services/partitions/axis/civil.ts";
import { codecs, type KeyKind } from "../../services/partitions/axis/key.ts";
import { leafName } from "../../services/partitions/axis/names.ts";
import {
  coveredUntil,
  findOverlaps,
  highest,
  lowest,
  type Span,
} from "../../services/partitions/axis/span.ts";
import type {
  DetachedFacts,
  LeafFacts,
  PlanContext,
  TableFacts,
} from "../../services/partitions/planning/facts.ts";
import { planAll } from "../../services/partitions/planning/planner.ts";
import type { Step } from "../../services/partitions/planning/step.ts";
import { isWindowOpen } from "../../services/partitions/planning/windows.ts";
import type { Policy } from "../../services/partitions/policy.ts";
import { reportTable } from "../../services/partitions/report/report.ts";
import { restrain } from "../../services/partitions/restraint/restraint.ts";
import { groupSteps } from "../../services/partitions/planning/groups.ts";

const usOf = (iso: string) => BigInt(Date.parse(iso)) * 1_000n;
const noon = usOf("2026-03-15T12:00:00Z");
const context: PlanContext = { nowUs: noon, maxPartitions: 5_000, horizonDays: 7 };
const daily: Policy = {
  schema: "s",
  table: "t",
  interval: "1 day",
  time_zone: "UTC",
  key: "timestamptz",
  premake: 3,
  retention: null,
  cooldown: "7 days",
  seal: false,
  enabled: true,
  windows: null,
  sub_interval: null,
};
const types: Partial<Record<KeyKind, string>> = { timestamptz: "timestamp with time zone" };

function boundOf({ from, to }: Span, key: KeyKind): string {
  const end = (at: bigint) =>
    formatEnd(at, codecs[key], 1, (text) => `'${text}'`).replace(
      /m..value/,
      (w) => w.toUpperCase(),
    );
  return `FOR VALUES FROM (${end(from)}) TO (${end(to)})`;
}

let nextOid = 1_000;
function leaf(span: Span | string | null, more: Partial<LeafFacts> = {}): LeafFacts {
  const oid = nextOid++;
  const bound = span === null || typeof span === "string" ? span : boundOf(span, "timestamptz");
  return {
    oid,
    schema: "s",
    name: `leaf_${oid}`,
    bound,
    pending: false,
    partitioned: false,
    subs: 0,
    rows_estimate: 10,
    bytes: 8192,
    options: [],
    unlogged: false,
    ...more,
  };
}

function facts(policy: Policy, leaves: LeafFacts[], more: Partial<TableFacts> = {}): TableFacts {
  return {
    policy,
    parent: {
      oid: 99,
      columns: ["ts"],
      keyColumns: ["ts"],
      keyType: types[policy.key] ?? "bigint",
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
    },
    problem: undefined,
    leaves,
    detached: [],
    taken: new Map(),
    blockers: new Map(),
    defaultRows: new Map(),
    highestId: null,
    ...more,
  };
}

const planOf = (table: TableFacts, at: Partial<PlanContext> = {}) =>
  planAll([table], { ...context, ...at });
const made = (steps: readonly Step[]) => steps.flatMap(({ span }) => span ? [span] : []);
const names = (steps: readonly Step[], action = "attach") =>
  steps.filter((step) => step.action === action).map(({ partition }) => partition.name);
const day = (iso: string): Span => ({
  from: usOf(`${iso}T00:00:00Z`),
  to: usOf(`${iso}T00:00:00Z`) + 86_400_000_000n,
});

const policies = fc.record({
  interval: fc.constantFrom("01:00:00", "1 day", "10 days", "7 days", "1 mon", "3 mons"),
  time_zone: fc.constantFrom("UTC", "America/New_York", "Asia/Kathmandu"),
  premake: fc.integer({ min: 0, max: 30 }),
}).map((some): Policy => ({ ...daily, ...some }));

/** Leaves without overlap, with holes between them, within some hundred days of now. */
const leafSpans = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 400 })),
  { maxLength: 25 },
).map((pairs) => {
  let at = noon - 200n * 86_400_000_000n;
  const spans = pairs.map(([gap, length]): Span => {
    const from = at + BigInt(gap) * 3_600_000_000n;
    at = from + BigInt(length) * 3_600_000_000n;
    return { from, to: at };
  });
  // Half of them end about now: there the plan has to join them.
  const shift = pairs.length % 2 === 0 ? 0n : noon - at - BigInt(pairs.length) * 7_200_000_000n;
  return spans.map(({ from, to }) => ({ from: from + shift, to: to + shift }));
});

Deno.test("after a plan the present and all that is premade are covered, nothing overlaps, and planning again plans nothing", () => {
  fc.assert(
    fc.property(policies, leafSpans, (policy, existing) => {
      const leaves = existing.map((span) => leaf(span));
      const plan = planOf(facts(policy, leaves));
      assert.deepEqual(plan.skipped, []);
      const fresh = made(plan.steps);
      const all = [...existing, ...fresh];
      assert.deepEqual(findOverlaps(all), []);
      const { grid } = createAxis(policy);
      let ahead = grid.slotOf(noon);
      for (let n = 0; n < policy.premake; n++) ahead = grid.slotOf(ahead.to);
      assert.ok(coveredUntil(all, grid.slotOf(noon).from) >= ahead.to);
      for (const { from, to } of fresh) {
        const slot = grid.slotOf(from);
        assert.ok(slot.from <= from && to <= slot.to, "a leaf keeps within one slot");
      }
      const again = planOf(facts(policy, [...leaves, ...fresh.map((span) => leaf(span))]));
      assert.deepEqual(again.steps, []);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a digest is the same for the same facts, whatever grew meanwhile, and another after any change", () => {
  fc.assert(fc.property(policies, leafSpans, fc.nat(), (policy, existing, pick) => {
    const leaves = existing.map((span) => leaf(span));
    const grown = leaves.map((one) => ({ ...one, rows_estimate: 999, bytes: 1e9 }));
    const { digest } = planOf(facts(policy, leaves));
    assert.equal(planOf(facts(policy, grown)).digest, digest);
    const changed = leaves.filter((_, at) => at !== pick % leaves.length);
    if (leaves.length > 0) assert.notEqual(planOf(facts(policy, changed)).digest, digest);
    assert.notEqual(planOf(facts({ ...policy, seal: true }, leaves)).digest, digest);
  }));
});

Deno.test("yesterday, today and the days ahead are made, under their names and with explicit offsets", () => {
  const { steps } = planOf(facts(daily, []));
  assert.deepEqual(names(steps), [
    "t_p20260314",
    "t_p20260315",
    "t_p20260316",
    "t_p20260317",
    "t_p20260318",
  ]);
  const [create, check, attach, drop] = steps[0]?.statements ?? [];
  assert.match(create?.sql ?? "", /^create table "s"."t_p20260314" \(like "s"."t" including/);
  assert.match(
    check?.sql ?? "",
    /"ts" is not null and "ts" >= '2026-03-14 00:00:00\+00' and "ts" </,
  );
  assert.equal(
    attach?.sql,
    `alter table "s"."t" attach partition "s"."t_p20260314" for values from ('2026-03-14 00:00:00+00') to ('2026-03-15 00:00:00+00')`,
  );
  assert.equal(attach?.lock, "SHARE UPDATE EXCLUSIVE on s.t");
  assert.match(drop?.sql ?? "", /drop constraint/);
  assert.ok(
    !steps.some(({ statements }) => statements.some(({ sql }) => /partition of/.test(sql))),
  );
});

Deno.test("a policy that somebody wrote by hand, of any shape, stops no other table and no report", () => {
  const wrong: Partial<Record<keyof Policy, unknown>>[] = [
    { windows: [{ from: 5 }] },
    { windows: {} },
    { windows: "always" },
    { retention: { keep: 5, action: "drop" } },
    { retention: "30 days" },
    { interval: "now and then" },
    { time_zone: "Mars" },
  ];
  const days = Array.from({ length: 12 }, (_, at) =>
    leaf({
      from: noon - BigInt(at + 1) * dayUs,
      to: noon - BigInt(at) * dayUs,
    }));
  for (const fields of wrong) {
    const bad = facts({ ...daily, table: "bad", ...fields } as Policy, days);
    const tables = [bad, facts(daily, [])];
    const plan = planAll(tables, context);
    assert.deepEqual(names(plan.steps.filter(({ table }) => table === "s.t")).length, 5);
    assert.deepEqual(plan.skipped.map(({ table }) => table), ["s.bad"], JSON.stringify(fields));
    restrain(tables, plan, {
      clocks: { trusted: true, anew: false },
      nowMs: Number(noon / 1_000n),
      sinceMs: undefined,
      ratio: 0.1,
    });
    const report = reportTable(
      {
        facts: bad,
        lastRotationAt: null,
        defaultRows: 0,
        positions: [],
        detachedSizes: new Map(),
        holds: [],
      },
      Number(noon),
      7,
    );
    assert.equal(report.table, "s.bad");
  }
});

Deno.test("a policy whose interval has changed goes on from the last bound", () => {
  const days = ["2026-03-13", "2026-03-14", "2026-03-15"].map((one) => leaf(day(one)));
  const { steps } = planOf(facts({ ...daily, interval: "1 mon", premake: 1 }, days));
  // February is the slot before the present one; the first of March to the 13th has no leaf either.
  assert.deepEqual(
    made(steps).map((
      { from, to },
    ) => [codecs.timestamptz.format(from), codecs.timestamptz.format(to)]),
    [
      ["2026-02-01 00:00:00+00", "2026-03-01 00:00:00+00"],
      ["2026-03-01 00:00:00+00", "2026-03-13 00:00:00+00"],
      ["2026-03-16 00:00:00+00", "2026-04-01 00:00:00+00"],
      ["2026-04-01 00:00:00+00", "2026-05-01 00:00:00+00"],
    ],
  );
  assert.equal(names(steps).at(-2), "t_p20260316");
});

Deno.test("a leaf of the far future is neither runway nor a reason to fill centuries", () => {
  const far = leaf({ from: usOf("2100-01-01T00:00:00Z"), to: usOf("2101-01-01T00:00:00Z") });
  assert.equal(planOf(facts(daily, [far])).steps.length, 5);
});

Deno.test("a hole of late is filled, one of long ago is history", () => {
  const around = ["2026-03-14", "2026-03-15", "2026-03-16", "2026-03-17", "2026-03-18"];
  const late = ["2026-03-10", "2026-03-12", "2026-03-13", ...around];
  assert.deepEqual(names(planOf(facts(daily, late.map((one) => leaf(day(one))))).steps), [
    "t_p20260311",
  ]);
  const old = ["2013-10-07", "2026-02-01", "2026-03-13", ...around];
  assert.deepEqual(planOf(facts(daily, old.map((one) => leaf(day(one))))).steps, []);
});

Deno.test("what is older than is kept is detached, and only what is wholly older; nothing is made to be detached at once", () => {
  const keep = fc.integer({ min: 1, max: 60 });
  fc.assert(fc.property(policies, leafSpans, keep, (policy, existing, days) => {
    const kept = { ...policy, retention: { keep: `${days} days`, action: "detach" as const } };
    const leaves = existing.map((span) => leaf(span));
    const { steps } = planOf(facts(kept, leaves));
    const axis = createAxis(kept);
    const limit = axis.before(noon, `${days} days`);
    const gone = new Set(steps.filter(({ action }) => action === "detach").map(({ oid }) => oid));
    for (const { oid, bound } of leaves) {
      const read = parseBound(bound, axis.codec);
      assert.equal(gone.has(oid), read.kind === "range" && read.span.to <= limit);
    }
    for (const { to } of made(steps)) assert.ok(to > limit);
    for (const { sql } of steps.flatMap(({ statements }) => statements)) {
      assert.doesNotMatch(sql, /cascade/i);
    }
  }));
});

Deno.test("a table of dates keeps, seals and covers at each hour the days that a table of instants does", () => {
  const days = Array.from(
    { length: 14 },
    (_, at) => usOf("2026-03-03T00:00:00Z") + BigInt(at) * dayUs,
  );
  const planFor = (key: "date" | "timestamptz", nowUs: bigint) => {
    const { parse, format } = codecs[key];
    const end = (at: bigint) => format(parse(codecs.timestamp.format(at).slice(0, 10)) ?? 0n);
    const leaves = days.map((at) =>
      leaf(`FOR VALUES FROM ('${end(at)}') TO ('${end(at + dayUs)}')`, {
        name: `t_p${codecs.date.format(at / dayUs).replaceAll("-", "")}`,
      })
    );
    const retention = { keep: "7 days", action: "detach" as const };
    const table = facts({ ...daily, key, premake: 1, retention, seal: true }, leaves);
    const parent = table.parent && {
      ...table.parent,
      keyType: key === "date" ? "date" : "timestamp with time zone",
    };
    const { steps } = planOf({ ...table, parent }, { nowUs, horizonDays: 3 });
    return steps.map(({ action, partition }) => `${action} ${partition.name}`);
  };
  for (const clock of ["00:00:00Z", "00:00:01Z", "12:00:00Z", "23:59:59Z"]) {
    const nowUs = usOf(`2026-03-16T${clock}`);
    assert.deepEqual(planFor("date", nowUs), planFor("timestamptz", nowUs), clock);
  }
});

Deno.test("keeping 1 mon is a month of the policy's calendar", () => {
  const axis = createAxis({ key: "timestamptz", interval: "1 day", time_zone: "America/New_York" });
  assert.equal(axis.before(usOf("2026-03-31T16:00:00Z"), "1 mon"), usOf("2026-02-28T17:00:00Z"));
});

Deno.test("a leaf that others refer to is kept, with the blockers and their counts", () => {
  const old = leaf(day("2026-01-01"));
  const policy = { ...daily, retention: { keep: "30 days", action: "drop" as const } };
  const blockers = new Map([[old.oid, [{ constraint: "fk", table: "s.orders", rows: 42 }]]]);
  const { steps, skipped } = planOf(facts(policy, [old], { blockers }));
  assert.deepEqual(names(steps, "detach"), []);
  assert.deepEqual(skipped.map(({ reason }) => reason), [
    `s.${old.name} is kept: 42 rows of s.orders (fk) refer to it`,
  ]);
});

Deno.test("a pending detach is finished before anything else, and its place is not given away", () => {
  const cut = leaf(day("2026-03-16"), { pending: true });
  const { steps } = planOf(facts(daily, [cut]));
  assert.equal(steps[0]?.action, "finalize");
  assert.ok(!names(steps).includes("t_p20260316"));
});

const remembered = (more: object) => ({
  id: "1",
  oid: 7,
  schema: "s",
  name: "t_p20260101",
  bound: boundOf(day("2026-01-01"), "timestamptz"),
  action: "drop",
  detachedAt: "2026-03-01T12:00:00.000Z",
  archivedAt: null,
  present: { oid: 7, attached: false },
  references: [],
  referencedBy: [],
  ...more,
});

Deno.test("a detached leaf is dropped after its cool-down, if it is still the same table and nobody refers to it", () => {
  const policy = { ...daily, retention: { keep: "30 days", action: "drop" as const } };
  const drops = (more: object, changed: Partial<Policy> = {}) =>
    names(
      planOf(facts({ ...policy, ...changed }, [], { detached: [remembered(more)] })).steps,
      "drop",
    );
  assert.deepEqual(drops({}), ["t_p20260101"]);
  assert.deepEqual(drops({}, { cooldown: "15 days" }), []);
  assert.deepEqual(drops({ detachedAt: null }), [], "when it was detached is not known yet");
  assert.deepEqual(drops({ present: { oid: 8, attached: false } }), [], "another table");
  assert.deepEqual(drops({ present: { oid: 7, attached: true } }), [], "attached again");
  assert.deepEqual(drops({ referencedBy: ["s.orders"] }), []);
  assert.deepEqual(drops({}, { retention: null }), [], "the policy keeps all now");
  assert.deepEqual(drops({ action: "archive-then-drop" }), []);
});

Deno.test("archive-then-drop plans the archive first, and the drop only when it is archived", () => {
  const retention = { keep: "30 days", action: "archive-then-drop" as const };
  const steps = (archivedAt: string | null) =>
    planOf(facts({ ...daily, retention }, [], {
      detached: [remembered({ action: "archive-then-drop", archivedAt })],
    })).steps.map(({ action }) => action).filter((action) => action !== "attach");
  assert.deepEqual(steps(null), ["archive"]);
  assert.deepEqual(steps("2026-03-02T00:00:00.000Z"), ["drop"]);
});

Deno.test("what failed when last tried waits for what did not, and stays reported while it waits", () => {
  const at = (n: number) => day(`2026-01-${String(n).padStart(2, "0")}`);
  const detached = [1, 2, 3, 4, 5, 6].map((n): DetachedFacts => ({
    id: String(n),
    oid: n,
    schema: "s",
    name: `gone_${n}`,
    bound: boundOf(at(n), "timestamptz"),
    action: "archive-then-drop",
    detachedAt: "2026-03-01T00:00:00Z",
    archivedAt: null,
    present: { oid: n, attached: false },
    references: [],
    referencedBy: [],
  }));
  const leaves = Array.from({ length: 24 }, (_, n) => leaf(at(n + 1)));
  const failed = [...detached.slice(0, 3), ...leaves.slice(0, 8)].map(({ name }) => `s.${name}`);
  const retention = { keep: "1 year", action: "archive-then-drop" as const };
  const { steps, refused } = planOf(facts({ ...daily, retention, seal: true }, leaves, {
    detached,
    unproven: new Map(failed.map((name) => [name, "why"])),
  }));
  assert.deepEqual(names(steps, "archive"), ["gone_4", "gone_5", "gone_6", "gone_1"]);
  const order = [...leaves.slice(8), ...leaves.slice(0, 4)].map(({ name }) => name);
  assert.deepEqual(names(steps, "seal"), order);
  assert.deepEqual(
    refused.map(({ partition, reason }) => [partition, reason]).sort(),
    [...leaves.slice(4, 8), ...detached.slice(1, 3)].map(({ name }) => [`s.${name}`, "why"]).sort(),
  );
});

Deno.test("a detached leaf whose range is wanted is attached again, an empty table is adopted, all else keeps its name", () => {
  const free = { oid: 7, attached: false, compatible: true, partitioned: false, empty: false };
  const wanted = { name: "t_p20260316", bound: boundOf(day("2026-03-16"), "timestamptz") };
  const plan = (taken: object, more: Partial<TableFacts> = {}) => {
    const { steps, skipped } = planOf(
      facts(daily, [], { taken: new Map([["t_p20260316", { ...free, ...taken }]]), ...more }),
    );
    const step = steps.find(({ partition }) => partition.name === "t_p20260316");
    const created = step?.statements.some(({ sql }) => sql.startsWith("create table"));
    return step ? created ? "new" : "attached" : skipped[0]?.reason;
  };
  assert.equal(plan({}, { detached: [remembered(wanted)] }), "attached");
  assert.equal(plan({ empty: true }), "attached");
  assert.match(
    String(plan({})),
    /exists and is not attached to s\.t; attach it again, or rename it/,
  );
  assert.match(String(plan({ compatible: false })), /is not a table like its parent/);
  assert.match(
    String(
      plan({}, { detached: [remembered({ bound: boundOf(day("2026-01-01"), "timestamptz") })] }),
    ),
    /another range/,
  );
});

Deno.test("with a default leaf nothing is detached concurrently, small leftovers move, large ones wait", () => {
  const policy = {
    ...daily,
    premake: 0,
    retention: { keep: "30 days", action: "detach" as const },
  };
  const start = day("2026-03-15").from;
  const plan = (rows: number, bytes = 8192) =>
    planOf(facts(policy, [leaf("DEFAULT", { bytes }), leaf(day("2026-01-01"))], {
      defaultRows: new Map([[start, rows]]),
    }));
  const small = plan(10);
  const detach = small.steps.find(({ action }) => action === "detach");
  assert.doesNotMatch(detach?.statements[0]?.sql ?? "", /concurrently/);
  assert.match(detach?.statements[0]?.lock ?? "", /^ACCESS EXCLUSIVE on s\.t/);
  assert.ok(small.warnings.some(({ reason }) => /default partition/.test(reason)));
  const today = small.steps.find(({ span }) => span?.from === start);
  assert.ok(today?.heavy);
  assert.ok(today?.statements.some(({ sql }) => /^with moved as \(delete from "s"/.test(sql)));
  assert.match(plan(10_001).skipped[0]?.reason ?? "", /over 10000 rows of its range/);
  assert.deepEqual(names(plan(0, 1e9).steps), [], "too large to scan under a lock");
});

Deno.test("while a bound is unknown nothing is made, and the locked leaf is named", () => {
  const { steps, skipped } = planOf(facts(daily, [leaf(null, { name: "held" })]));
  assert.deepEqual(steps, []);
  assert.match(skipped[0]?.reason ?? "", /held.*unknown/);
});

Deno.test("the guard lets no table grow past its most partitions, the nearest first", () => {
  const plan = planOf(facts({ ...daily, premake: 100 }, []), { maxPartitions: 10 });
  assert.equal(plan.steps.length, 10);
  assert.equal(names(plan.steps)[0], "t_p20260314");
  assert.ok(plan.warnings.some(({ reason }) => /at most 10/.test(reason)));
});

Deno.test("a missing privilege is named with the grant that cures it", () => {
  const base = facts(daily, []);
  const without = (more: object) =>
    planOf({ ...base, parent: { ...base.parent!, role: "app", ...more } }).skipped[0]?.reason;
  assert.match(without({ owns: false }) ?? "", /must own it.*grant "owner" to "app"/);
  assert.match(without({ mayCreate: false }) ?? "", /grant create on schema "s" to "app"/);
});

Deno.test("one table that cannot be planned leaves the others their plan", () => {
  const bad = facts({ ...daily, table: "bad", time_zone: "Mars/Olympus" }, []);
  const gone = { ...facts({ ...daily, table: "gone" }, []), parent: undefined, problem: "no" };
  const plan = planAll([bad, gone, facts(daily, [])], context);
  assert.deepEqual(plan.skipped.map(({ table }) => table), ["s.bad", "s.gone"]);
  assert.equal(plan.steps.length, 5);
});

Deno.test("ids are covered ahead of the highest, not of the clock", () => {
  const policy: Policy = { ...daily, key: "id", interval: "1000", premake: 2 };
  const ids = (from: bigint, to: bigint) => leaf(`FOR VALUES FROM ('${from}') TO ('${to}')`);
  const { steps } = planOf(facts(policy, [ids(0n, 1000n)], { highestId: 950n }));
  assert.deepEqual(names(steps), ["t_p1000", "t_p2000"]);
  const kept = { ...policy, retention: { keep: "5000", action: "detach" as const } };
  const late = planOf(facts(kept, [ids(0n, 1000n), ids(9000n, 10_000n)], { highestId: 9_001n }));
  assert.equal(late.steps.filter(({ action }) => action === "detach").length, 1);
});

Deno.test("detaching waits for the window, making does not", () => {
  const windows = [{ days: [6], from: "22:00", to: "06:00" }];
  const retention = { keep: "30 days", action: "detach" as const };
  const plan = (nowUs: bigint) =>
    planOf(facts({ ...daily, windows, retention }, [leaf(day("2026-01-01"))]), { nowUs });
  // 2026-03-15 is a Sunday: the window of Saturday lasts until six.
  assert.deepEqual(names(plan(usOf("2026-03-15T05:59:00Z")).steps, "detach").length, 1);
  const closed = plan(usOf("2026-03-15T06:00:00Z"));
  assert.deepEqual(names(closed.steps, "detach"), []);
  assert.ok(names(closed.steps).length > 0);
  assert.ok(closed.warnings.some(({ reason }) => /1 steps wait/.test(reason)));
  assert.ok(
    isWindowOpen(
      [{ from: "09:30", to: "16:00" }],
      "America/New_York",
      usOf("2026-03-16T13:30:00Z"),
    ),
  );
  assert.ok(
    !isWindowOpen(
      [{ from: "09:30", to: "16:00" }],
      "America/New_York",
      usOf("2026-03-16T13:29:00Z"),
    ),
  );
});

Deno.test("hostile names stay names", () => {
  const table = `t"; drop table x; --`;
  const { steps } = planOf(facts({ ...daily, schema: `s"`, table }, []));
  for (const { sql } of steps.flatMap(({ statements }) => statements)) {
    const outside = sql.replace(/"(?:[^"]|"")*"/g, "").replace(/'(?:[^']|'')*'/g, "");
    assert.doesNotMatch(outside, /drop table|;/);
  }
  const axis = createAxis(daily);
  assert.equal(leafName(table, axis, 0n), `${table}_p19700101`);
});

Deno.test("light attaches of one table go together, thirty at most", () => {
  const { steps } = planOf(facts({ ...daily, premake: 60 }, []));
  assert.deepEqual(groupSteps(steps).map((group) => group.length), [30, 30, 2]);
});

Deno.test("a leaf that takes everything leaves nothing to be made, and it is said", () => {
  const { steps, warnings } = planOf(facts(daily, [leaf({ from: lowest, to: highest })]));
  assert.deepEqual(steps, []);
  assert.ok(warnings.some(({ reason }) => /has no upper end/.test(reason)));
});

/** A table of that many hours, nine of ten of them past, with nearly as many to be premade. */
function manyHours(count: number) {
  const premake = count * 876 / 1_000;
  const policy = { ...daily, interval: "01:00:00", premake, time_zone: "America/New_York" };
  const { grid } = createAxis(policy);
  const spans: Span[] = [];
  for (let slot = grid.slotOf(noon - BigInt(count * 9 / 10) * 3_600_000_000n);;) {
    spans.push(slot);
    if (spans.length === count) break;
    slot = grid.slotOf(slot.to);
  }
  return facts(policy, spans.map((span) => leaf(span)));
}

Deno.test("ten thousand partitions are planned in time that grows as their number, not as its square", () => {
  const [few, many] = [manyHours(2_000), manyHours(10_000)];
  const planned = (table: ReturnType<typeof manyHours>) => {
    const started = performance.now();
    const { steps } = planOf(table, { maxPartitions: 20_000 });
    return { ms: performance.now() - started, steps: steps.length };
  };
  assert.equal(planned(many).steps, 8_760 + 9_001 - 10_000);
  planned(few);
  // Side by side, the best of several: what else the machine does falls on both.
  const times = Array.from({ length: 4 }, () => [planned(few).ms, planned(many).ms]);
  const [small = 0, large = 0] = [0, 1].map((at) => Math.min(...times.map((pair) => pair[at]!)));
  // Five times as many: five times as long, not 25 times.
  assert.ok(large < 12 * small, `${small} ms for 2,000, ${large} ms for 10,000`);
});

Deno.test("a name that a leaf of another calendar has is not fought over: the range gets its leaf under a longer one", () => {
  const taken = new Map([[
    "t_p20260316",
    { oid: 7, attached: true, compatible: true, partitioned: false, empty: false },
  ]]);
  const { steps, skipped } = planOf(facts(daily, [], { taken }));
  assert.deepEqual(skipped, []);
  assert.ok(names(steps).includes("t_p20260316s00000"));
  assert.equal(steps.length, 5);
});

Deno.test("the last range of an integer key ends at MAXVALUE, and nothing is made after it", () => {
  const policy: Policy = { ...daily, key: "id", interval: "1000000000", premake: 3 };
  const spansOf = (keyType: string, highestId: bigint) => {
    const table = facts(policy, [], { highestId });
    return planAll([{ ...table, parent: { ...table.parent!, keyType } }], context).steps
      .map(({ span }) => [span?.from, span?.to]);
  };
  assert.deepEqual(spansOf("integer", 1_000_000_000n), [
    [1_000_000_000n, 2_000_000_000n],
    [2_000_000_000n, highest],
  ]);
  assert.deepEqual(spansOf("smallint", 1n), [[0n, highest]]);
  assert.equal(spansOf("bigint", 1_000_000_000n).length, 4);
  const [, last] = planAll(
    [
      facts(policy, [], { highestId: 2_147_483_647n }),
    ].map((table) => ({ ...table, parent: { ...table.parent!, keyType: "integer" } })),
    context,
  )
    .steps.flatMap(({ statements }) => statements.map(({ sql }) => sql))
    .filter((sql) => / add constraint | attach partition /.test(sql));
  assert.match(last ?? "", /for values from \( *'2000000000'\) to \(maxvalue\)/);
});
