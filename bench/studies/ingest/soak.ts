import { parseArgs } from "node:util";
import { median } from "../../../services/benchmarks/statistics.ts";
import { createTickSource, decimalOf } from "../../cases/ticks.ts";
import { startBenchApp } from "./bench_app.ts";
import { type Client, openClient, requestBytes } from "./clients.ts";
import { watchMemory } from "./rss.ts";

const usage = `deno task bench:soak [--minutes N] [--share S] [--pg-bin DIR]

Measures how many rows/s 64 senders of 100-row bodies bring in, then sends the share S (0.5) of that for N minutes (10)
at fixed times, whether answers come or not, and prints latencies from the scheduled start, memory and what is missing.`;

const clientCount = 64;
const bodyRows = 100;
const bodies = 64;
const capacitySeconds = 15;
const warmUpSeconds = 5;
const MiB = 1024 * 1024;
const stampWidth = "2026-01-31T09:30:00.123".length;
const encoder = new TextEncoder();

/** A body whose times can be set to now without making it anew. */
function createBody(seed: number) {
  const stamp = "0".repeat(stampWidth);
  const lines = createTickSource(seed).next(bodyRows).map((tick) =>
    `{"ts":"${stamp}Z","symbol":"${tick.symbol}","price":${
      decimalOf(tick.priceCents)
    },"size":${tick.size},"exchange":"${tick.exchange}"}\n`
  );
  const bytes = requestBytes({
    path: "/api/ticks?create=true",
    type: "application/x-ndjson",
    body: encoder.encode(lines.join("")),
  });
  const text = new TextDecoder().decode(bytes);
  const places: number[] = [];
  for (let at = text.indexOf(stamp); at >= 0; at = text.indexOf(stamp, at + 1)) places.push(at);
  return (now: number): Uint8Array => {
    const nowBytes = encoder.encode(new Date(now).toISOString().slice(0, stampWidth));
    for (const at of places) bytes.set(nowBytes, at);
    return bytes;
  };
}

interface Sent {
  accepted: number;
  /** From the scheduled start to the answer; milliseconds. */
  latencies: number[];
  failures: string[];
}

/** Sends at the given times (milliseconds from now), each by the first client that is free. */
async function sendOnSchedule(
  clients: readonly Client[],
  due: (at: number) => number,
  count: number,
): Promise<Sent> {
  const makers = Array.from({ length: bodies }, (_, at) => createBody(at + 1));
  const sent: Sent = { accepted: 0, latencies: [], failures: [] };
  const started = performance.now();
  let next = 0;
  await Promise.all(clients.map(async (client, lane) => {
    for (let at = next++; at < count; at = next++) {
      const scheduled = started + due(at);
      const wait = scheduled - performance.now();
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
      try {
        // A lane has bodies of its own: one is not changed while it is being sent.
        const accepted = await client.send(makers[lane % bodies]!(Date.now()));
        sent.accepted += accepted;
        sent.latencies.push(performance.now() - scheduled);
      } catch (error) {
        sent.failures.push(String(error).slice(0, 200));
        return; // its connection cannot be used again
      }
    }
  }));
  return sent;
}

function quantile(sorted: Float64Array, share: number): string {
  return `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1)} ms`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      share: { type: "string", default: "0.5" },
      "pg-bin": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const minutes = Number(values.minutes);
  const app = await startBenchApp(values["pg-bin"]);
  try {
    const clients = await Promise.all(
      Array.from({ length: clientCount }, () => openClient(app.port)),
    );
    const warm = await sendOnSchedule(clients, () => 0, clientCount * warmUpSeconds * 20);
    const before = performance.now();
    const full = await sendOnSchedule(clients, () => 0, clientCount * capacitySeconds * 25);
    const capacity = full.accepted / ((performance.now() - before) / 1000);
    const rate = capacity * Number(values.share) / bodyRows; // bodies a second
    console.error(
      `capacity ${Math.round(capacity).toLocaleString("en-US")} rows/s; ` +
        `${Math.round(rate * bodyRows).toLocaleString("en-US")} rows/s for ${minutes} minutes`,
    );
    const watch = watchMemory(app.pid);
    const soaked = await sendOnSchedule(
      clients,
      (at) => at / rate * 1000,
      Math.ceil(rate * 60 * minutes),
    );
    const memory = watch.stop();
    const [row] = await app.sql<{ count: string }[]>`select count(*) as count from market.ticks`;
    const accepted = warm.accepted + full.accepted + soaked.accepted;
    const sorted = Float64Array.from(soaked.latencies).sort();
    const tenth = Math.ceil(memory.length / 10);
    const mib = (readings: readonly number[]) => `${Math.round(median(readings) / MiB)} MiB`;
    console.log(`${app.server}: capacity ${Math.round(capacity).toLocaleString("en-US")} rows/s`);
    console.log(
      `${soaked.accepted.toLocaleString("en-US")} rows in ${
        sorted.length.toLocaleString("en-US")
      } ` +
        `bodies over ${minutes} minutes; ${soaked.failures.length} failed`,
    );
    console.log(
      `from the scheduled start: p50 ${quantile(sorted, 0.5)}, p95 ${quantile(sorted, 0.95)}, ` +
        `p99 ${quantile(sorted, 0.99)}, p99.9 ${quantile(sorted, 0.999)}, most ${
          quantile(sorted, 1)
        }`,
    );
    console.log(
      `memory of Holdfast: ${mib(memory.slice(0, tenth))} in the first tenth, ` +
        `${mib(memory.slice(-tenth))} in the last, ${
          Math.round(Math.max(...memory) / MiB)
        } MiB at most`,
    );
    console.log(`accepted ${accepted}, in the table ${row?.count}`);
    for (const failure of soaked.failures.slice(0, 3)) console.log(failure);
    for (const client of clients) client.close();
    if (Number(row?.count) !== accepted || soaked.failures.length > 0) Deno.exitCode = 1;
  } finally {
    await app.stop();
  }
}

if (import.meta.main) {
  await main();
  Deno.exit();
}
