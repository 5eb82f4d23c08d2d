import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { bruteForce, intervals, readCandles, type Trade, widths } from "../helpers/candles.ts";
import { startApp } from "../helpers/test_app.ts";
import { realData, testWith } from "../helpers/skip.ts";
import { countTicks } from "../helpers/ticks.ts";

/** One day by default; the other two take as long again each. */
const days = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1"
  ? ["2013-10-07", "2013-10-08", "2013-10-09"]
  : ["2013-10-07"];
const rowsOf: Record<string, number> = {
  "2013-10-07": 388_417,
  "2013-10-08": 654_140,
  "2013-10-09": 641_559,
};
const header = "ts,symbol,price,size,exchange";
const chunkRows = 30_000;

/** The chunks of a day's file as they will arrive: every third one late by five, every fourth one twice. */
function arrivalsOf(lines: string[]): { key: string; lines: string[]; times: number }[] {
  const chunks = Array.from({ length: Math.ceil(lines.length / chunkRows) }, (_, at) => ({
    key: `chunk-${at}`,
    lines: lines.slice(at * chunkRows, (at + 1) * chunkRows),
    times: at % 4 === 3 ? 2 : 1,
    place: at % 3 === 1 ? at + 5.5 : at,
  }));
  return chunks.sort((a, b) => a.place - b.place);
}

for (const day of days) {
  testWith(
    realData,
    `${day} in late and doubled batches gives the candles of its ticks, to the last unit`,
    async () => {
      const text = gunzipSync(readFileSync(realData.path(day))).toString();
      const lines = text.split("\n").slice(1).filter((line) => line !== "");
      assert.equal(lines.length, rowsOf[day]);
      const app = await startApp();
      const arrived: Record<string, Trade[]> = {};
      try {
        for (const { key, lines: part, times } of arrivalsOf(lines)) {
          for (let time = 0; time < times; time++) {
            const response = await app.post(
              "/api/ticks?create=true&backfill=true",
              `${header}\n${part.join("\n")}\n`,
              { "content-type": "text/csv", "idempotency-key": key },
            );
            const { accepted, quarantined, replayed } = await response.json();
            assert.deepEqual([accepted, quarantined, replayed], [part.length, 0, time > 0]);
          }
          for (const line of part) {
            const [ts = "", symbol = "", price, size] = line.split(",");
            (arrived[symbol] ??= []).push({ ts, price: Number(price), size: Number(size) });
          }
        }
        assert.equal(await countTicks(app), lines.length);
        for (const [symbol, ticks] of Object.entries(arrived)) {
          for (const interval of intervals) {
            assert.deepEqual(
              await readCandles(app, symbol, interval),
              bruteForce(ticks, widths[interval]),
              `${symbol} ${interval}`,
            );
          }
          // The way back: made from the ticks in the database, they are the same.
          const rebuilt = await app.post("/api/candles/rebuild", { symbol });
          const { changed, removed } = await rebuilt.json();
          assert.deepEqual([changed, removed], [0, 0], symbol);
        }
      } finally {
        await app.stop();
      }
    },
  );
}
