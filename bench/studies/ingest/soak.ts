import { parseArgs } from "node:util";
import { median } from "../../../services/benchmarks/statistics.ts";
import { createTickSource, decimalOf } from "../../cases/ticks.ts";
import { startBenchApp } from "./bench_app.ts";
import { type Client, openClient, requestBytes } from "./clients.ts";
import { watchMemory } from "./rss.ts";

const usage = `deno task bench:soak [--minutes N] [--share S] [--pg-bin DIR]

Measures the rows/s that 64 clients reach with bodies of 100 rows. Then sends the share S (0.5) of that rate for N minutes
(10) at fixed times, whether or not answers arrive, and prints latencies from the scheduled start, memory and lost rows.`;

const clientCount = 64;
const bodyRows = 100;
const bodies = 64;
const capacitySeconds = 15;
const warmUpSeconds = 5;
const MiB = 1024 * 1024;
const stampWidth = "2026-01-31T09:30:00.123".length;
const encoder = new TextEncoder();

/** Creates a body whose times can be set to now in place. */
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

/** Sends `count` bodies at the given times (milliseconds from now), each by the first free client. */
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
        // Each client has its own bodies, so that none is changed while it is sent.
        const accepted = await client.send(makers[lane % bodies]!(Date.now()));
        sent.accepted += accepted;
        sent.latencies.push(performance.now() - scheduled);
      } catch (error) {
        sent.failures.push(String(error).slice(0, 200));
        return; // its connection is broken
      }
    }
  }));
  return sent;
}

function quantile(sorted: Float64Array, share: number): string {
  return `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1)} ms`;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");

/** Prints latencies and memory; `memory` holds readings in bytes. */
function report(soaked: Sent, memory: readonly number[], minutes: number): void {
  const sorted = Float64Array.from(soaked.latencies).sort();
  const tenth = Math.ceil(memory.length / 10);
  const mib = (readings: readonly number[]) => `${Math.round(median(readings) / MiB)} MiB`;
  console.log(
    `${whole(soaked.accepted)} rows in ${whole(sorted.length)} bodies over ${minutes} minutes; ` +
      `${soaked.failures.length} failed`,
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
}

/** Runs the study and returns whether every accepted row is in the table and no body failed. */
async function soak(
  app: Awaited<ReturnType<typeof startBenchApp>>,
  minutes: number,
  share: number,
): Promise<boolean> {
  const clients = await Promise.all(
    Array.from({ length: clientCount }, () => openClient(app.port)),
  );
  const warm = await sendOnSchedule(clients, () => 0, clientCount * warmUpSeconds * 20);
  const before = performance.now();
  const full = await sendOnSchedule(clients, () => 0, clientCount * capacitySeconds * 25);
  const capacity = full.accepted / ((performance.now() - before) / 1000);
  const rate = capacity * share / bodyRows; // bodies per second
  console.error(
    `capacity ${whole(capacity)} rows/s; ${whole(rate * bodyRows)} rows/s for ${minutes} minutes`,
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
  console.log(`${app.server}: capacity ${whole(capacity)} rows/s`);
  report(soaked, memory, minutes);
  console.log(`accepted ${accepted}, in the table ${row?.count}`);
  for (const failure of soaked.failures.slice(0, 3)) console.log(failure);
  for (const client of clients) client.close();
  return Number(row?.count) === accepted && soaked.failures.length === 0;
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
  const app = await startBenchApp(values["pg-bin"]);
  try {
    const passed = await soak(app, Number(values.minutes), Number(values.share));
    if (!passed) Deno.exitCode = 1;
  } finally {
    await app.stop();
  }
}

if (import.meta.main) {
  await main();
  Deno.exit();
}
