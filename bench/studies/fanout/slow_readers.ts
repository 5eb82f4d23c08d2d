import process from "node:process";
import { serveHttp } from "../../../runtime/http/serve.ts";
import { upgrade } from "../../../runtime/http/web_socket.ts";
import { systemClock } from "../../../lib/clock.ts";
import { ServedSocket } from "../../../services/live/served_socket.ts";
import { serveLive } from "../../../services/live/connection.ts";
import { createHub, type Hub } from "../../../services/live/hub.ts";
import type { ReaderAnswer, ReaderRequest } from "../../cases/fanout/readers.ts";

/**
 * Measures the effect of clients that never read on the others: the time from a message to its arrival at each reader,
 * alternately without and with such clients. `deno task bench:live [--readers 900] [--stalled 100] [--rounds 30] [--pairs 3]`
 */
const argument = (name: string, fallback: number) => {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(Deno.args[at + 1]);
};
const readers = argument("readers", 900);
const stalled = argument("stalled", 100);
const rounds = argument("rounds", 30);
const pairs = argument("pairs", 3);

const bufferMax = 1024 * 1024;
const everyMs = 150;
const messageBytes = 1_500;
const now = () => performance.timeOrigin + performance.now();
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

interface Measured {
  latenciesMs: number[];
  clients: number;
  rssMiB: number;
  /** Processor time per message, of server and readers together. */
  cpuMs: number;
}

/** Serves a client as routes/live/live.ts does. */
function accept(request: Request, hub: Hub): Response {
  const { socket, response } = upgrade(request);
  socket.onopen = () => {
    const connection = serveLive(new ServedSocket(socket), {
      hub,
      clock: systemClock,
      bufferMax,
      version: "bench",
    });
    socket.onclose = () => connection.end();
  };
  return response;
}

async function measure(stalledCount: number): Promise<Measured> {
  const hub = createHub({ clock: systemClock });
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handle: (request) => accept(request, hub),
  });
  const worker = new Worker(new URL("../../cases/fanout/readers.ts", import.meta.url), {
    type: "module",
  });
  const ask = (request: ReaderRequest) =>
    new Promise<ReaderAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<ReaderAnswer>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(request);
    });
  const take = async () => {
    const answer = await ask({ do: "take" });
    return answer.done === "taken" ? answer.latenciesMs : [];
  };
  try {
    await ask({ do: "stall", port: server.port, count: stalledCount });
    // More than the buffers of the sockets hold: from here on these clients are behind.
    const filler = { filler: "x".repeat(64 * 1024) };
    for (let at = 0; at < 100 && stalledCount > 0; at++) {
      hub.publish("database_performance", filler);
      await pause(10);
    }
    await ask({ do: "read", url: `ws://127.0.0.1:${server.port}/ws`, count: readers });
    await pause(500);
    await take();
    const padding = "x".repeat(messageBytes);
    const before = process.cpuUsage();
    for (let round = 0; round < rounds; round++) {
      hub.publish("database_performance", { sent_at: now(), padding });
      await pause(everyMs);
    }
    await pause(1_000);
    const { user, system } = process.cpuUsage(before);
    const latenciesMs = await take();
    const expected = readers * rounds;
    if (latenciesMs.length !== expected) {
      throw new Error(`${latenciesMs.length} of ${expected} messages arrived`);
    }
    return {
      latenciesMs,
      clients: hub.subscribers,
      cpuMs: (user + system) / 1_000 / rounds,
      rssMiB: Math.round(Deno.memoryUsage().rss / 1024 / 1024),
    };
  } finally {
    worker.terminate();
    await Promise.race([server.stop(), pause(2_000)]);
  }
}

const p99s = { without: [] as number[], with: [] as number[] };
const cpus = { without: [] as number[], with: [] as number[] };
for (let pair = 0; pair < pairs; pair++) {
  for (const arm of pair % 2 === 0 ? ["without", "with"] as const : ["with", "without"] as const) {
    const { latenciesMs, clients, rssMiB, cpuMs } = await measure(arm === "with" ? stalled : 0);
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    p99s[arm].push(quantile(sorted, 0.99));
    cpus[arm].push(cpuMs);
    console.log(
      `${arm.padEnd(8)} ${clients} clients, ${rssMiB} MiB: p50 ${
        quantile(sorted, 0.5).toFixed(1)
      } ms, ` +
        `p99 ${quantile(sorted, 0.99).toFixed(1)} ms, ${cpuMs.toFixed(1)} ms of CPU a message`,
    );
  }
}
const median = (values: readonly number[]) => quantile(values.toSorted((a, b) => a - b), 0.5);
const [without, beside] = [median(p99s.without), median(p99s.with)];
console.log(
  `${readers} readers, median p99 of ${pairs} runs: ${without.toFixed(1)} ms alone, ${
    beside.toFixed(1)
  } ms beside ` +
    `${stalled} that never read (${(beside / without).toFixed(2)} times); CPU a message ${
      (median(cpus.with) / median(cpus.without)).toFixed(2)
    } times`,
);
Deno.exit(0);
