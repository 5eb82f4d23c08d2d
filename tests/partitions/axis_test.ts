import assert from "node:assert/strict";
import fc from "fast-check";
import { createAxis } from "../../services/partitions/axis/axis.ts";
import { formatEnd, parseBound } from "../../services/partitions/axis/bound.ts";
import { dateOfDays, daysOfDate, dayUs, parseTime } from "../../services/partitions/axis/civil.ts";
import { parseInterval } from "../../services/partitions/axis/interval.ts";
import { codecs, type KeyKind, keyKinds } from "../../services/partitions/axis/key.ts";
import { leafName } from "../../services/partitions/axis/names.ts";
import {
  coveredUntil,
  findHoles,
  findOverlaps,
  highest,
  lowest,
  type Span,
  uncovered,
} from "../../services/partitions/axis/span.ts";
import { openZone } from "../../services/partitions/axis/zone.ts";

const quote = (text: string) => `'${text}'`;
const usOf = (iso: string) => BigInt(Date.parse(iso)) * 1_000n;
const hourUs = 3_600_000_000n;

const intervals = [
  "01:00:00",
  "03:00:00",
  "00:00:30",
  "1 day",
  "10 days",
  "7 days",
  "1 mon",
  "3 mons",
  "1 year",
  "1 year 6 mons",
  "1 mon 15 days",
];
const zones = ["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Europe/Moscow"];
const moment = fc.bigInt({ min: usOf("1980-01-01T00:00:00Z"), max: usOf("2060-01-01T00:00:00Z") });

Deno.test("fifty years of slots in New York and Kathmandu are gapless, without overlap, and start with their local day", () => {
  for (const time_zone of ["America/New_York", "Asia/Kathmandu"]) {
    const zone = openZone(time_zone);
    for (const interval of ["1 day", "7 days", "1 mon", "3 mons", "1 year"]) {
      const axis = createAxis({ key: "timestamptz", interval, time_zone });
      const end = usOf("2030-01-01T00:00:00Z");
      const lengths = new Set<bigint>();
      let slot = axis.grid.slotOf(usOf("1980-01-01T00:00:00Z"));
      while (slot.from < end) {
        // Kathmandu's first day of 1986 began at 00:15: the quarter before it never was.
        const before = zone.toWall(slot.from - 1n) / dayUs;
        assert.equal(zone.toWall(slot.from) / dayUs, before + 1n, `${interval} at ${slot.from}`);
        const next = axis.grid.slotOf(slot.to);
        assert.equal(next.from, slot.to);
        lengths.add((slot.to - slot.from) / hourUs);
        slot = next;
      }
      if (interval === "1 day" && time_zone === "America/New_York") {
        assert.deepEqual(
          [...lengths].sort(),
          [23n, 24n, 25n],
          "both changes of the clock are seen",
        );
      }
    }
  }
});

Deno.test("every moment lies in exactly one slot, whatever the interval and the zone", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...intervals),
      fc.constantFrom(...zones),
      moment,
      (interval, time_zone, at) => {
        const { grid } = createAxis({ key: "timestamptz", interval, time_zone });
        const slot = grid.slotOf(at);
        assert.ok(slot.from <= at && at < slot.to);
        assert.deepEqual(grid.slotOf(slot.from), slot);
        assert.deepEqual(grid.slotOf(slot.to - 1n), slot);
        assert.equal(grid.slotOf(slot.to).from, slot.to);
        assert.equal(grid.slotOf(slot.from - 1n).to, slot.from);
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("slots fall where people expect them: ISO weeks on Monday, quarters, hours of elapsed time", () => {
  const starts = (interval: string, time_zone: string, at: string) => {
    const { grid, codec } = createAxis({ key: "timestamptz", interval, time_zone });
    const { from, to } = grid.slotOf(usOf(at));
    return [codec.format(from), codec.format(to)];
  };
  assert.deepEqual(starts("7 days", "UTC", "2026-01-01T00:00:00Z"), [
    "2025-12-29 00:00:00+00",
    "2026-01-05 00:00:00+00",
  ]);
  assert.deepEqual(starts("3 mons", "Asia/Kathmandu", "2026-05-05T00:00:00Z"), [
    "2026-03-31 18:15:00+00",
    "2026-06-30 18:15:00+00",
  ]);
  // The night of 8 March 2026 has 23 hours in New York.
  assert.deepEqual(starts("1 day", "America/New_York", "2026-03-08T12:00:00Z"), [
    "2026-03-08 05:00:00+00",
    "2026-03-09 04:00:00+00",
  ]);
  assert.deepEqual(starts("01:00:00", "America/New_York", "2026-11-01T06:30:00Z"), [
    "2026-11-01 06:00:00+00",
    "2026-11-01 07:00:00+00",
  ]);
});

Deno.test("a wall clock becomes the instant Temporal would choose, in gaps and in nights that come twice", () => {
  const zone = openZone("America/New_York");
  const wall = (text: string) => parseTime(text) ?? 0n;
  assert.equal(zone.toInstant(wall("2026-03-08 02:30:00")), usOf("2026-03-08T07:30:00Z"), "gap");
  assert.equal(zone.toInstant(wall("2026-11-01 01:30:00")), usOf("2026-11-01T05:30:00Z"), "first");
  // Samoa had no 30 December 2011.
  assert.equal(
    openZone("Pacific/Apia").toInstant(wall("2011-12-30 00:00:00")),
    usOf("2011-12-30T10:00:00Z"),
  );
  fc.assert(fc.property(fc.constantFrom(...zones), moment, (name, at) => {
    const { toWall, toInstant } = openZone(name);
    const again = toInstant(toWall(at));
    // Only the second of two equal hours does not come back to itself.
    assert.ok(again === at || toWall(again) === toWall(at) && again < at);
  }));
});

Deno.test("dates go to day numbers and back over all years Postgres knows", () => {
  fc.assert(fc.property(fc.integer({ min: -2_450_000, max: 107_000_000 }), (days) => {
    const { year, month, day } = dateOfDays(days);
    assert.equal(daysOfDate(year, month, day), days);
  }));
});

const positionOf: Record<KeyKind, fc.Arbitrary<bigint>> = {
  timestamptz: moment,
  timestamp: moment,
  date: fc.bigInt({ min: -2_450_000n, max: 100_000_000n }),
  epoch_s: fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
  epoch_ms: fc.bigInt({ min: -(2n ** 50n), max: 2n ** 50n }),
  epoch_us: fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
  epoch_ns: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uuidv7: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
};

Deno.test("a bound written for any kind of key, of one column or several, reads back the same", () => {
  for (const kind of keyKinds) {
    const codec = codecs[kind];
    const end = fc.oneof(positionOf[kind], fc.constant(lowest), fc.constant(highest));
    fc.assert(fc.property(end, end, fc.integer({ min: 1, max: 3 }), (a, b, columns) => {
      fc.pre(a < b && b !== lowest && a !== highest);
      const text = (at: bigint) =>
        formatEnd(at, codec, columns, quote).replace(/m..value/g, (word) => word.toUpperCase());
      const bound = `FOR VALUES FROM (${text(a)}) TO (${text(b)})`;
      assert.deepEqual(
        parseBound(bound, codec),
        { kind: "range", span: { from: a, to: b } },
        bound,
      );
    }));
  }
});

Deno.test("the first position of an instant is not before it, and none is between", () => {
  for (const kind of keyKinds.filter((one) => codecs[one].axis !== "number")) {
    const codec = codecs[kind];
    fc.assert(fc.property(moment, (us) => {
      const position = codec.fromUs(us);
      assert.ok(codec.toUs(position) >= us);
      assert.ok(codec.toUs(position - 1n) < us);
    }));
  }
});

Deno.test("bounds as the catalogue has them", () => {
  const { timestamptz, date, id, uuidv7, epoch_ms } = codecs;
  const cases: [string | null, typeof id, unknown][] = [
    [null, id, { kind: "unknown" }],
    ["DEFAULT", id, { kind: "default" }],
    ["FOR VALUES IN ('a')", id, { kind: "foreign" }],
    ["FOR VALUES WITH (modulus 4, remainder 0)", id, { kind: "foreign" }],
    ["FOR VALUES FROM ('x') TO ('y')", id, { kind: "foreign" }],
    ["FOR VALUES FROM (1) TO (10)", id, { kind: "range", span: { from: 1n, to: 10n } }],
    ["FOR VALUES FROM ('-5') TO (MAXVALUE)", id, {
      kind: "range",
      span: { from: -5n, to: highest },
    }],
    ["FOR VALUES FROM (1, 5) TO (2, 5)", id, { kind: "foreign" }],
    ["FOR VALUES FROM (1, MINVALUE) TO (2, MAXVALUE)", id, {
      kind: "range",
      span: { from: 1n, to: 3n },
    }],
    ["FOR VALUES FROM ('-infinity') TO ('1970-01-02 00:00:00+00')", timestamptz, {
      kind: "range",
      span: { from: lowest, to: dayUs },
    }],
    ["FOR VALUES FROM ('1970-01-01 05:45:00+05:45') TO (MAXVALUE)", timestamptz, {
      kind: "range",
      span: { from: 0n, to: highest },
    }],
    ["FOR VALUES FROM ('0044-03-15 BC') TO ('1970-01-02')", date, {
      kind: "range",
      span: { from: BigInt(daysOfDate(-43, 3, 15)), to: 1n },
    }],
    ["FOR VALUES FROM ('1700000000000') TO ('1700000000001')", epoch_ms, {
      kind: "range",
      span: { from: 1_700_000_000_000n, to: 1_700_000_000_001n },
    }],
    [
      "FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0001-0000-0000-000000000000')",
      uuidv7,
      { kind: "range", span: { from: 0n, to: 1n << 80n } },
    ],
  ];
  for (const [text, codec, expected] of cases) {
    assert.deepEqual(parseBound(text, codec), expected, String(text));
  }
});

Deno.test("leaves of one table have names of their own, of at most 63 bytes, also in a night that comes twice", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...intervals),
      fc.constantFrom(...zones),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
      moment,
      (interval, time_zone, table, at) => {
        const axis = createAxis({ key: "timestamptz", interval, time_zone });
        const names = new Set<string>();
        let slot = axis.grid.slotOf(at);
        for (let n = 0; n < 30; n++) {
          const name = leafName(table, axis, slot.from);
          assert.ok(new TextEncoder().encode(name).length <= 63, name);
          names.add(name);
          slot = axis.grid.slotOf(slot.to);
        }
        assert.equal(names.size, 30);
      },
    ),
    { numRuns: 300 },
  );
  const long = (tail: string) => "a_very_long_table_name_that_goes_on_and_on_and_on_until_" + tail;
  const axis = createAxis({ key: "timestamptz", interval: "01:00:00", time_zone: "UTC" });
  assert.notEqual(leafName(long("one"), axis, 0n), leafName(long("two"), axis, 0n));
});

Deno.test("names say what they hold", () => {
  const name = (key: KeyKind, interval: string, from: string | bigint, time_zone = "UTC") => {
    const axis = createAxis({ key, interval, time_zone });
    return leafName("t", axis, typeof from === "bigint" ? from : axis.atInstant(usOf(from)) ?? 0n);
  };
  assert.equal(name("timestamptz", "1 day", "2013-10-07T00:00:00Z"), "t_p20131007");
  assert.equal(name("timestamptz", "7 days", "2025-12-29T00:00:00Z"), "t_p2026w01");
  assert.equal(name("timestamptz", "1 mon", "2025-12-31T18:15:00Z", "Asia/Kathmandu"), "t_p202601");
  assert.equal(name("timestamptz", "3 mons", "2026-04-01T00:00:00Z"), "t_p2026q2");
  assert.equal(name("date", "1 year", "2026-01-01T00:00:00Z"), "t_p2026");
  assert.equal(name("uuidv7", "01:00:00", "2026-11-01T06:00:00Z"), "t_p20261101_0600");
  assert.equal(name("timestamptz", "00:00:30", "2026-11-01T06:00:30Z"), "t_p20261101_060030");
  assert.equal(name("timestamptz", "1 mon", "2026-11-15T00:00:00Z"), "t_p20261115", "cut off grid");
  assert.equal(name("id", "1000", 5_000n), "t_p5000");
  assert.equal(name("id", "1000", -5_000n), "t_pm5000");
});

Deno.test("a policy whose parts do not fit is refused, with the field", () => {
  const refused = (policy: { key: KeyKind; interval: string; time_zone?: string }, path: string) =>
    assert.throws(
      () => createAxis({ time_zone: "UTC", ...policy }),
      (error: { code?: string; problems?: { path: string }[] }) =>
        error.code === "invalid_request" && error.problems?.[0]?.path === path,
      JSON.stringify(policy),
    );
  refused({ key: "timestamptz", interval: "1 day", time_zone: "Mars/Olympus" }, "time_zone");
  refused({ key: "timestamptz", interval: "-1 days" }, "interval");
  refused({ key: "timestamptz", interval: "1 day -01:00:00" }, "interval");
  refused({ key: "timestamptz", interval: "00:00:00" }, "interval");
  refused({ key: "date", interval: "12:00:00" }, "interval");
  refused({ key: "epoch_s", interval: "00:00:01.5" }, "interval");
  refused({ key: "id", interval: "1 day" }, "interval");
  assert.deepEqual(parseInterval("1 year 6 mons -3 days 04:05:06.5"), {
    months: 18,
    days: -3,
    us: 4n * hourUs + 306_500_000n,
  });
});

const spans = fc.array(
  fc.tuple(fc.bigInt({ min: -500n, max: 500n }), fc.bigInt({ min: 1n, max: 40n }))
    .map(([from, length]): Span => ({ from, to: from + length })),
  { maxLength: 30 },
);

Deno.test("what is uncovered and what covers complete each other", () => {
  fc.assert(fc.property(spans, (list) => {
    const whole = { from: -600n, to: 600n };
    const gaps = uncovered(whole, list);
    assert.deepEqual(findOverlaps([...gaps]), []);
    for (const gap of gaps) {
      assert.ok(!list.some((span) => span.from < gap.to && gap.from < span.to));
    }
    assert.deepEqual(uncovered(whole, [...list, ...gaps]), []);
    assert.equal(coveredUntil([...list, ...gaps], -600n), 600n);
    if (list.length > 0) assert.deepEqual(findHoles([...list, ...findHoles(list)]), []);
  }));
});

Deno.test("the runway ends at the first gap, and is nothing when now has no partition", () => {
  const list = [{ from: 10n, to: 11n }, { from: 11n, to: 12n }, { from: 13n, to: 14n }];
  assert.equal(coveredUntil(list, 10n), 12n);
  assert.equal(coveredUntil(list, 12n), 12n);
});
