import { parseArgs } from "node:util";
import { formatTimestamp } from "../../services/ingest/timestamp.ts";
import { createTickSource, decimalOf, firstTickUs } from "../ticks.ts";
import { startBenchHouse } from "./bench_house.ts";
import { readRss, watchRss } from "./rss.ts";

const usage = `deno task bench:memory [--rows N]

Streams one NDJSON body of N rows (5,000,000) into a Holdfast of its own and prints the most memory it took.`;

const chunkRows = 500;
/** Five million ticks fill a trading day of six and a half hours. */
const gapUs = 4_680;
const MiB = 1024 * 1024;

/** The body, made as it is sent: it never stands in memory whole. */
function bodyOf(rows: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = createTickSource(1);
  const encoder = new TextEncoder();
  let left = rows;
  return new ReadableStream({
    pull(controller) {
      const ticks = source.next(Math.min(chunkRows, left));
      const lines = ticks.map(({ symbol, priceCents, size, exchange }) =>
        `{"ts":"${
          formatTimestamp(firstTickUs + (rows - left--) * gapUs)
        }","symbol":"${symbol}","price":${
          decimalOf(priceCents)
        },"size":${size},"exchange":"${exchange}"}\n`
      );
      if (lines.length > 0) controller.enqueue(encoder.encode(lines.join("")));
      if (left === 0) controller.close();
    },
  }, { highWaterMark: 1 });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string", default: "5000000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const rows = Number(values.rows);
  const house = await startBenchHouse(undefined);
  try {
    const before = await readRss(house.pid);
    const watch = watchRss(house.pid);
    const started = performance.now();
    const response = await fetch(
      `http://127.0.0.1:${house.port}/api/ticks?create=true&backfill=true`,
      {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: bodyOf(rows),
      },
    );
    const answer = await response.text();
    const seconds = (performance.now() - started) / 1000;
    const readings = watch.stop();
    const [row] = await house.sql`select count(*)::int4 as count from market.ticks`;
    console.log(`${response.status} ${answer.trim()}; ${row?.count} rows in the table`);
    console.log(
      `${rows.toLocaleString("en-US")} rows in ${seconds.toFixed(1)} s; memory of Holdfast ` +
        `${Math.round(before / MiB)} MiB before, ${
          Math.round(Math.max(...readings) / MiB)
        } MiB at most`,
    );
    if (row?.count !== rows) throw new Error("Rows are missing");
  } finally {
    await house.stop();
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
