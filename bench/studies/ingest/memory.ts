import { parseArgs } from "node:util";
import { formatTimestamp } from "../../../services/ingest/timestamp.ts";
import { createTickSource, decimalOf, firstTickUs } from "../../cases/ticks.ts";
import { startBenchApp } from "./bench_app.ts";
import { readMemory } from "./rss.ts";

const usage = `deno task bench:memory [--rows N] [--chunk-rows N]

Streams one NDJSON body of N rows (5,000,000), in chunks of N rows (1,000), into a Holdfast of its own and prints the
most memory it took.`;

/** Five million ticks fill a trading day of six and a half hours. */
const gapUs = 4_680;
const MiB = 1024 * 1024;

/** Yields the body in chunks as it is sent, so that it is never completely in memory. */
function* bodyOf(rows: number, chunkRows: number): Generator<string> {
  const source = createTickSource(1);
  for (let at = 0; at < rows;) {
    const ticks = source.next(Math.min(chunkRows, rows - at));
    yield ticks.map(({ symbol, priceCents, size, exchange }) =>
      `{"ts":"${formatTimestamp(firstTickUs + at++ * gapUs)}","symbol":"${symbol}","price":${
        decimalOf(priceCents)
      },"size":${size},"exchange":"${exchange}"}\n`
    ).join("");
  }
}

/** Sends the body with chunked encoding on its own connection and returns the text of the response. */
async function upload(port: number, rows: number, chunkRows: number): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const encoder = new TextEncoder();
  const write = async (text: string) => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  await write(
    "POST /api/ticks?create=true&backfill=true HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n" +
      "content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  // The rows are ASCII, so bytes equal characters.
  for (const text of bodyOf(rows, chunkRows)) {
    await write(`${text.length.toString(16)}\r\n${text}\r\n`);
  }
  await write("0\r\n\r\n");
  return await new Response(connection.readable).text();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string", default: "5000000" },
      "chunk-rows": { type: "string", default: "1000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const rows = Number(values.rows);
  const app = await startBenchApp(undefined);
  try {
    const before = await readMemory(app.pid);
    const started = performance.now();
    const answer = await upload(app.port, rows, Number(values["chunk-rows"]));
    const seconds = (performance.now() - started) / 1000;
    const after = await readMemory(app.pid);
    const [row] = await app.sql`select count(*)::int4 as count from market.ticks`;
    console.log(`${answer.split("\r\n\r\n").at(-1)?.trim()}; ${row?.count} rows in the table`);
    console.log(
      `${rows.toLocaleString("en-US")} rows in ${seconds.toFixed(1)} s; memory of Holdfast ` +
        `${Math.round(before.resident / MiB)} MiB before, ${
          Math.round(after.most / MiB)
        } MiB at most`,
    );
    if (row?.count !== rows) throw new Error("Rows are missing");
  } finally {
    await app.stop();
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
