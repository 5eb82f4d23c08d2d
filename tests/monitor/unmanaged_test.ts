import assert from "node:assert/strict";
import type { RangeTableRow } from "../../db/collectors/tables/collectors.ts";
import { layOut, nextOf } from "../../services/monitor/unmanaged/layout.ts";
import { createUnmanagedJudge } from "../../services/monitor/unmanaged/unmanaged.ts";

const hour = 3_600;
const day = 24 * hour;
const start = Date.parse("2026-03-10T00:00:00Z") / 1_000;
const text = (seconds: number) =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace("T", " ")}+00`;

/** A table with a partition for each pair of bounds (seconds), of which each has the inserts `inserted`. */
function table(
  pieces: readonly (readonly [number, number])[],
  { inserted = pieces.map(() => 0), ...more }: Partial<RangeTableRow> = {},
): RangeTableRow {
  return {
    taken_at: start,
    schema: "app",
    name: "prints",
    table: "app.prints",
    column: "ts",
    key_type: "timestamp with time zone",
    partitions: pieces.length,
    leaves: pieces.map((_, at) => `app.prints_${at}`),
    bounds: pieces.map(([from, to]) => `FOR VALUES FROM ('${text(from)}') TO ('${text(to)}')`),
    inserted,
    in_recovery: false,
    partman_schema: null,
    by_partman: false,
    ...more,
  };
}

/** Pieces of `length` that follow each other, `count` of them up to `end`. */
const pieces = (end: number, count: number, length: number): [number, number][] =>
  Array.from({ length: count }, (_, at) => {
    const to = end - (count - 1 - at) * length;
    return [to - length, to];
  });

/** Watches tables by readings at given times, in seconds after the start. */
function watching() {
  const { note, judge } = createUnmanagedJudge();
  let rows: RangeTableRow[] = [];
  let at = 0;
  return {
    read(seconds: number, ...found: RangeTableRow[]): void {
      at = seconds;
      rows = found.map((row) => ({ ...row, taken_at: start + seconds }));
      note(rows, (start + seconds) * 1_000);
    },
    /** The first table as it is judged some seconds after the last reading. */
    state(later = 0, managed: string[] = []) {
      const [one] = judge(rows, new Set(managed), {
        readAt: (start + at) * 1_000,
        nowMs: (start + at + later) * 1_000,
      });
      return one && `${one.state} ${one.runway_seconds}`;
    },
    all: () =>
      judge(rows, new Set(), { readAt: (start + at) * 1_000, nowMs: (start + at) * 1_000 }),
  };
}

Deno.test("the end of the last partition is known by the server's clock, not of tables with a policy", () => {
  const { read, state } = watching();
  const row = table(pieces(start + 10 * day, 30, day), { inserted: Array(30).fill(5) });
  read(0, row);
  assert.equal(state(), `inserting ${10 * day}`);
  assert.equal(state(60), `inserting ${10 * day - 60}`);
  assert.equal(state(0, ["app.prints"]), undefined);
});

Deno.test("a weekend without partitions does not end the runway, a stray one far ahead does", () => {
  const end = (more: [number, number][]) => {
    const all = [...pieces(start + day, 5, day), ...more];
    const { read, all: judged } = watching();
    read(0, table(all, { inserted: all.map(() => 1) }));
    return judged()[0];
  };
  assert.equal(end([[start + 3 * day, start + 8 * day]])?.runway_seconds, 8 * day);
  assert.equal(end([[start + 300 * day, start + 301 * day]])?.runway_seconds, day);
  assert.equal(end([[start + 300 * day, start + 301 * day]])?.last_partition, "app.prints_4");
});

Deno.test("a table into which nobody inserts is idle, and ended once its last partition is past", () => {
  const { read, state } = watching();
  const row = table(pieces(start + day, 12, 30 * day));
  read(0, row);
  assert.equal(state(), `idle ${day}`);
  read(2 * day, row);
  assert.equal(state(), `ended ${-day}`);
});

Deno.test("an old count of a long partition does not say that rows are inserted, a new one does", () => {
  const { read, state } = watching();
  const yearly = (count: number) =>
    table(pieces(start + 2 * day, 3, 365 * day), { inserted: [9, 9, count] });
  read(0, yearly(1_000));
  assert.equal(state(), `unknown ${2 * day}`);
  read(300, yearly(1_200));
  assert.equal(state(), `inserting ${2 * day - 300}`);
});

Deno.test("the alert goes on for a week after the end, and ends for a table that nobody misses", () => {
  const { read, state } = watching();
  const row = table(pieces(start + hour, 9, day), { inserted: Array(9).fill(1_000) });
  read(0, row);
  read(2 * hour, row);
  assert.equal(state(), `inserting ${-hour}`);
  read(6 * day, row);
  assert.match(state() ?? "", /^inserting -/);
  read(7 * day + 2 * hour, row);
  assert.match(state() ?? "", /^ended -/);
});

Deno.test("a load into a table that ended long ago is no alarm, rows that arrive day after day are", () => {
  const { read, state } = watching();
  const archive = (count: number) =>
    table(pieces(start - 400 * day, 12, 30 * day), { inserted: Array(12).fill(count) });
  read(0, archive(0));
  assert.match(state() ?? "", /^ended/);
  for (let hours = 1; hours <= 12; hours++) read(hours * hour, archive(hours));
  assert.match(state() ?? "", /^ended/, "a load of half a day");
  for (let hours = 13; hours <= 26; hours++) read(hours * hour, archive(hours));
  assert.match(state() ?? "", /^inserting/);
  read(4 * day, archive(26));
  assert.match(state() ?? "", /^ended/, "it is over");
});

Deno.test("partitions of an hour that a tool adds in time are no alarm, and one that it misses is", () => {
  const { read, state } = watching();
  const hourly = (end: number, rows: number) =>
    table(pieces(start + end, 48, hour), { inserted: Array(48).fill(rows) });
  read(0, hourly(4 * hour, 1));
  assert.match(state() ?? "", /^unknown/, "who adds partitions, and when, is not known yet");
  for (let minutes = 5; minutes <= 300; minutes += 5) {
    read(minutes * 60, hourly((4 + Math.floor(minutes / 60)) * hour, minutes));
  }
  assert.match(state() ?? "", /^extended/);
  const stopped = hourly(9 * hour, 400);
  read(6 * hour, stopped);
  assert.match(state() ?? "", /^extended/);
  read(7.6 * hour, stopped);
  assert.equal(state(), `inserting ${1.4 * hour}`, "half of the time that was left before");
});

Deno.test("daily partitions that nobody adds are missed three days before the end", () => {
  const { read, state } = watching();
  const row = (rows: number) =>
    table(pieces(start + 6 * day, 20, day), { inserted: Array(20).fill(rows) });
  for (let days = 0; days < 3; days += 0.5) read(days * day, row(days * 10));
  assert.match(state() ?? "", /^inserting/);
  read(3.5 * day, row(100));
  assert.equal(state(), `inserting ${2.5 * day}`);
});

Deno.test("tables whose end is not known say why", () => {
  const reasonOf = (row: RangeTableRow) => {
    const { read, all } = watching();
    read(0, row);
    return all().map(({ state, reason }) => `${state}: ${reason}`)[0];
  };
  const known = pieces(start + 5 * day, 3, day);
  assert.match(reasonOf(table(known, { key_type: "bigint" })) ?? "", /^unknown: .*type bigint/);
  assert.match(reasonOf(table(known, { column: null })) ?? "", /^unknown: .*expression/);
  assert.match(reasonOf(table([])) ?? "", /^unknown: it has no partition/);
  assert.match(reasonOf(table(known, { in_recovery: true })) ?? "", /^unknown: .*standby/);
  assert.match(reasonOf(table([], { partitions: 60_000 })) ?? "", /^unknown: .*too many/);
  assert.match(reasonOf(table(pieces(start + 90 * day, 2, day))) ?? "", /^unknown: .*far ahead/);
  const endless = table(known);
  endless.bounds[2] = endless.bounds[2]!.replace(/TO .*/, "TO (MAXVALUE)");
  assert.match(reasonOf(endless) ?? "", /^endless/);
});

Deno.test("the next partition is as long as the last one, in the units of a calendar", () => {
  const next = (key_type: string, from: string, to: string) => {
    const row = table([], {
      key_type,
      partitions: 1,
      leaves: ["app.prints_0"],
      bounds: [`FOR VALUES FROM ('${from}') TO ('${to}')`],
      inserted: [0],
      taken_at: Date.parse(`${from.slice(0, 10)}T12:00:00Z`) / 1_000,
    });
    const found = nextOf(row, layOut(row));
    const [first] = found?.partitions ?? [];
    return found && first &&
      [first.name, first.from, first.to, found.policy.interval, found.policy.premake];
  };
  const [zoned, wall] = ["timestamp with time zone", "timestamp without time zone"];
  assert.deepEqual(
    next(zoned, "2025-11-01 00:00:00+00", "2025-12-01 00:00:00+00"),
    ["prints_p20251201", "2025-12-01 00:00:00+00", "2026-01-01 00:00:00+00", "1 month", 2],
  );
  assert.deepEqual(
    next(wall, "2026-02-28 05:00:00", "2026-02-28 06:00:00"),
    ["prints_p20260228_060000", "2026-02-28 06:00:00", "2026-02-28 07:00:00", "1 hour", 168],
  );
  assert.deepEqual(
    next("date", "2026-02-23", "2026-03-02"),
    ["prints_p20260302", "2026-03-02", "2026-03-09", "7 days", 2],
  );
  assert.equal(next("date", "2026-02-23", "infinity"), undefined);
});

Deno.test("of a table that has ended, the next partitions reach beyond the present", () => {
  const next = (all: [number, number][]) => {
    const row = table(all);
    const found = nextOf(row, layOut(row))?.partitions ?? [];
    return [found.length, found[0]?.from, found.at(-1)?.to];
  };
  const [soon, late] = [start + hour, start - 36 * hour];
  assert.deepEqual(next(pieces(soon, 3, day)), [1, text(soon), text(soon + day)]);
  assert.deepEqual(next(pieces(late, 3, day)), [3, text(late), text(late + 3 * day)]);
  const hourly = next(pieces(start - 100 * hour, 3, hour));
  assert.deepEqual(hourly, [2, text(start), text(start + 2 * hour)], "a gap is left for brevity");
});
