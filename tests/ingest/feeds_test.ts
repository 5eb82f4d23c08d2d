import assert from "node:assert/strict";
import fc from "fast-check";
import { createFeeds, type FeedsReport } from "../../services/ingest/judge/feeds.ts";
import {
  isRefusal,
  type ParsedTick,
  readTick,
  type Refusal,
  refuse,
} from "../../services/ingest/tick.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { bodyOf, send, tick } from "../helpers/ticks.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 31) + seconds * 1_000);
const clock = { seconds: 0, now: () => at(clock.seconds) };

/** A row of a symbol: accepted, refused by the firewall, wrong in itself, or not to be read at all. */
type Row = { symbol: string; fate: "accepted" | "stale" | "negative" | "unparsable" };

function batchOf(rows: readonly Row[]): { ticks: ParsedTick[]; refusals: Refusal[] } {
  const ticks: ParsedTick[] = [];
  const refusals: Refusal[] = [];
  for (const [line, { symbol, fate }] of rows.entries()) {
    const ts = at(line).toISOString();
    const read = readTick(
      {
        ...{ ts, symbol, price: fate === "negative" ? -1 : 1, size: 1 },
        ...{ exchange: null, side: null, trade_id: null },
      },
      line,
      () => "raw",
    );
    if (fate === "unparsable") refusals.push(refuse(line, "line", "not JSON", "raw"));
    else if (isRefusal(read)) refusals.push(read);
    else {
      ticks.push(read);
      if (fate === "stale") refusals.push(refuse(line, "ts", "old", "raw", fate, false, symbol));
    }
  }
  return { ticks, refusals };
}

const row = fc.record({
  symbol: fc.integer({ min: 0, max: 12 }).map((at) => `S${at}`),
  fate: fc.constantFrom("accepted", "accepted", "stale", "negative", "unparsable"),
});
const uploads = fc.array(
  fc.record({
    batches: fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 3 }),
    commits: fc.boolean(),
  }),
  { maxLength: 12 },
);

function sumUp({ feeds, other, unreadable }: FeedsReport) {
  const all = [...feeds, other, unreadable];
  const reasons: Record<string, number> = {};
  for (const { by_reason } of all) {
    for (const [reason, rows] of Object.entries(by_reason)) {
      reasons[reason] = (reasons[reason] ?? 0) + rows;
    }
  }
  return {
    accepted: all.reduce((sum, { accepted }) => sum + accepted, 0),
    quarantined: all.reduce((sum, { quarantined }) => sum + quarantined, 0),
    reasons,
  };
}

Deno.test("feeds count every committed row once, and no other, however few are kept apart", () => {
  fc.assert(
    fc.property(uploads, fc.integer({ min: 1, max: 15 }), (several, max) => {
      const feeds = createFeeds({ clock, max });
      const expected = new Map<string, Record<string, number>>();
      for (const { batches, commits } of several) {
        clock.seconds++;
        const note = feeds.begin();
        for (const rows of batches) {
          const { ticks, refusals } = batchOf(rows);
          note.add(ticks, refusals);
        }
        if (!commits) continue;
        note.commit();
        for (const { symbol, fate } of batches.flat()) {
          const of = fate === "unparsable" ? "" : symbol;
          const counts = expected.get(of) ?? {};
          expected.set(of, { ...counts, [fate]: (counts[fate] ?? 0) + 1 });
        }
      }
      const report = feeds.report();
      assert.ok(report.feeds.length <= max);
      const total = (fate: Row["fate"]) =>
        [...expected.values()].reduce((sum, counts) => sum + (counts[fate] ?? 0), 0);
      const reasons = Object.fromEntries(
        (["stale", "negative", "unparsable"] as const)
          .map((fate) => [fate, total(fate)] as const).filter(([, rows]) => rows > 0),
      );
      assert.deepEqual(sumUp(report), {
        accepted: total("accepted"),
        quarantined: total("stale") + total("negative") + total("unparsable"),
        reasons,
      });
      assert.equal(report.unreadable.quarantined, total("unparsable"));
      if (expected.size <= max) {
        for (const { symbol, accepted, by_reason } of report.feeds) {
          const { accepted: stored = 0, ...refused } = expected.get(symbol) ?? {};
          assert.deepEqual([accepted, by_reason], [stored, refused], symbol);
        }
      }
      const times = report.feeds.map(({ last_received_at }) => last_received_at);
      assert.deepEqual(times, times.toSorted().reverse());
      assert.deepEqual(feeds.report(2).feeds, report.feeds.slice(0, 2));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("symbols of which nothing was ever accepted give way to real ones", () => {
  const feeds = createFeeds({ clock, max: 3 });
  const upload = (...rows: Row[]) => {
    const note = feeds.begin();
    const { ticks, refusals } = batchOf(rows);
    note.add(ticks, refusals);
    note.commit();
  };
  upload(...["A", "B", "C", "D"].map((symbol): Row => ({ symbol, fate: "stale" })));
  upload({ symbol: "REAL", fate: "accepted" }, { symbol: "B", fate: "accepted" });
  upload({ symbol: "E", fate: "stale" });
  const { feeds: kept, other } = feeds.report();
  assert.deepEqual(kept.map(({ symbol }) => symbol).toSorted(), ["B", "C", "REAL"]);
  assert.deepEqual(other, { accepted: 0, quarantined: 3, by_reason: { stale: 3 } });
});

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_INGEST_BATCH_ROWS: "100" });
});
Deno.test.afterAll(() => app.stop());

const read = () => app.json<FeedsReport>("/api/health/feeds");

Deno.test("health shows what each feed brought, since the start of the process", async () => {
  const ts = new Date().toISOString();
  const rows = [
    tick({ ts, symbol: "ONE" }),
    tick({ ts: "2001-01-01T00:00:00Z", symbol: "ONE" }),
    tick({ ts, symbol: "TWO", price: -1 }),
  ];
  await app.post(
    "/api/ticks?create=true",
    `${bodyOf("ndjson", rows)}{"ts":\n`,
    { "content-type": "application/x-ndjson" },
  ).then((response) => response.body?.cancel());
  const { feeds, since, other, unreadable } = await read();
  const shown = feeds.map(({ last_received_at, age_seconds, ...feed }) => {
    assert.ok(Math.abs(Date.parse(last_received_at) - Date.now()) < 60_000);
    assert.equal(age_seconds === null, feed.last_tick_at === null);
    assert.ok((age_seconds ?? 0) < 60);
    return feed;
  }).toSorted((a, b) => a.symbol < b.symbol ? -1 : 1);
  assert.deepEqual(shown, [
    { symbol: "ONE", accepted: 1, quarantined: 1, by_reason: { stale: 1 }, last_tick_at: ts },
    { symbol: "TWO", accepted: 0, quarantined: 1, by_reason: { negative: 1 }, last_tick_at: null },
  ]);
  assert.deepEqual(other, { accepted: 0, quarantined: 0, by_reason: {} });
  assert.deepEqual(unreadable, { accepted: 0, quarantined: 1, by_reason: { unparsable: 1 } });
  assert.ok(Date.parse(since) <= Date.now() && Date.parse(since) > Date.now() - 600_000);
  const { ingest } = await app.json<{ ingest: Record<string, unknown> & FeedsReport }>(
    "/api/health/database",
  );
  assert.deepEqual([ingest.accepted, ingest.quarantined, ingest.since], [1, 3, since]);
  assert.deepEqual(
    ingest.feeds.map(({ symbol }) => symbol),
    feeds.map(({ symbol }) => symbol),
  );
});

Deno.test("rows that were not committed, and those of a replay, do not count", async () => {
  const ts = new Date().toISOString();
  const key = { "idempotency-key": "feeds" };
  const good = Array.from({ length: 250 }, (_, size) => tick({ ts, symbol: "WHOLE", size }));
  // Two batches are written before the third is no text.
  const broken = new Uint8Array([
    ...new TextEncoder().encode(bodyOf("ndjson", good)),
    ...[0xff, 0xfe],
  ]);
  const response = await app.post("/api/ticks?create=true", broken, {
    "content-type": "application/x-ndjson",
  });
  assert.equal(response.status, 400);
  await response.body?.cancel();
  const find = async () => (await read()).feeds.find(({ symbol }) => symbol === "WHOLE");
  assert.equal(await find(), undefined);
  for (const replayed of [false, true]) {
    assert.equal((await send(app, good, "?create=true", key)).replayed, replayed);
    assert.equal((await find())?.accepted, 250);
  }
});
