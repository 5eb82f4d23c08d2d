import assert from "node:assert/strict";
import fc from "fast-check";
import {
  dayName,
  dayOf,
  earliestUs,
  formatTimestamp,
  isStoredTime,
  latestUs,
  parseTimestamp,
} from "../../services/ingest/timestamp.ts";

const anyUs = fc.integer({ min: earliestUs, max: latestUs - 1 });
const two = (value: number) => String(value).padStart(2, "0");

/** Midnight of a date that JavaScript itself agrees exists. */
function exists(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

Deno.test("every microsecond from 1970 to 2199 comes back from its text", () => {
  fc.assert(
    fc.property(anyUs, (us) => assert.equal(parseTimestamp(formatTimestamp(us)), us)),
    { numRuns: 5_000 },
  );
});

Deno.test("the text of a time is RFC 3339 UTC and sorts as the time does", () => {
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z$/;
  fc.assert(fc.property(anyUs, anyUs, (a, b) => {
    assert.match(formatTimestamp(a), shape);
    if (a !== b) {
      const full = (us: number) => formatTimestamp(us).replace(/(\.\d{3})Z$/, "$1000Z");
      assert.equal(full(a) < full(b), a < b);
    }
  }));
});

Deno.test("milliseconds agree with Date, whatever the offset", () => {
  fc.assert(fc.property(
    fc.date({
      min: new Date("1970-01-02T00:00:00Z"),
      max: new Date("2199-12-30T00:00:00Z"),
      noInvalidDate: true,
    }),
    fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
    fc.constantFrom("T", "t", " "),
    (date, offset, separator) => {
      const local = new Date(date.getTime() + offset * 60_000).toISOString();
      const minutes = Math.abs(offset);
      const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
      const text = `${local.slice(0, 10)}${separator}${local.slice(11, -1)}${zone}`;
      assert.equal(parseTimestamp(text), date.getTime() * 1000, text);
    },
  ));
});

Deno.test("a date is read exactly when the calendar has it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1970, max: 2199 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
      (year, month, day) => {
        const us = parseTimestamp(`${year}-${two(month)}-${two(day)}T00:00:00Z`);
        if (exists(year, month, day)) assert.equal(us, Date.UTC(year, month - 1, day) * 1000);
        else assert.ok(Number.isNaN(us), `${year}-${month}-${day}`);
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("leap years follow the Gregorian rule", () => {
  const has29 = (year: number) => !Number.isNaN(parseTimestamp(`${year}-02-29T12:00:00Z`));
  assert.deepEqual([1972, 2000, 2024, 2096].map(has29), [true, true, true, true]);
  assert.deepEqual([1970, 2023, 2100, 2199].map(has29), [false, false, false, false]);
});

Deno.test("a leap second is read as the second after", () => {
  assert.equal(
    parseTimestamp("2016-12-31T23:59:60Z"),
    parseTimestamp("2017-01-01T00:00:00Z"),
  );
  assert.ok(Number.isNaN(parseTimestamp("2016-12-31T23:59:61Z")));
});

Deno.test("digits beyond microseconds are cut, and too many are refused", () => {
  const at = (fraction: string) => parseTimestamp(`2026-01-31T09:30:00.${fraction}Z`) % 1_000_000;
  assert.deepEqual(
    ["1", "12", "123456", "123456789", "1234569", "999999999999"].map(at),
    [100_000, 120_000, 123_456, 123_456, 123_456, 999_999],
  );
  assert.ok(Number.isNaN(at("1".repeat(13))));
});

Deno.test("anything but a whole RFC 3339 time with an offset is not a time", () => {
  const refused = [
    "",
    "2026-01-31",
    "2026-01-31T09:30:00",
    "2026-01-31T09:30:00.123",
    "2026-01-31T09:30Z",
    "2026-01-31T09:30:00.Z",
    "2026-01-31T09:30:00,5Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T09:60:00Z",
    "2026-01-31T09:30:00+0100",
    "2026-01-31T09:30:00+01",
    "2026-01-31T09:30:00+24:00",
    "2026-01-31T09:30:00+01:60",
    "2026-01-31T09:30:00Zjunk",
    " 2026-01-31T09:30:00Z",
    "2026-01-31T09:30:00Z ",
    "2026/01/31T09:30:00Z",
    "2026-02-30T00:00:00Z",
    "2026-1-31T009:30:00Z",
    "26-01-31T09:30:00.000Z",
    "+02026-01-31T09:30:00Z",
    "２０２６-01-31T09:30:00Z",
    "1769851800000",
    "now",
    "infinity",
  ];
  for (const text of refused) assert.ok(Number.isNaN(parseTimestamp(text)), text);
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
    const us = parseTimestamp(text);
    if (!Number.isNaN(us)) assert.match(text, /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/);
  }));
});

Deno.test("only times from 1970 to 2199 can be stored", () => {
  const kept = (text: string) => isStoredTime(parseTimestamp(text));
  assert.ok(kept("1970-01-01T00:00:00Z") && kept("2199-12-31T23:59:59.999999Z"));
  assert.ok(!kept("1969-12-31T23:59:59.999999Z") && !kept("2200-01-01T00:00:00Z"));
  assert.ok(!kept("9999-12-31T23:59:59Z") && !kept("0000-01-01T00:00:00Z"));
  assert.ok(!isStoredTime(NaN));
});

Deno.test("the day of a time is its UTC date", () => {
  fc.assert(fc.property(anyUs, (us) => {
    assert.equal(dayName(dayOf(us)), formatTimestamp(us).slice(0, 10));
  }));
});
