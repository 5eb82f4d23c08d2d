/**
 * Measures starts, rest and stops of the process that `deno task serve` runs, on the embedded server:
 * `deno task starts [--times 10] [--rest 60]`.
 */
import { parseArgs } from "node:util";
import { cpuSeconds } from "../../bench/process_time.ts";
import {
  freePort,
  freeze,
  postmastersOf,
  type ServeProcess,
  startProcess,
} from "../helpers/process.ts";
import { beginUpload } from "../helpers/slow_upload.ts";

const { values } = parseArgs({
  options: { times: { type: "string", default: "10" }, rest: { type: "string", default: "60" } },
});
const times = Number(values.times);
const restSeconds = Number(values.rest);
const row = () =>
  `${JSON.stringify({ ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 })}\n`;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
const dir = await Deno.makeTempDir({ prefix: "holdfast-starts-" });
await Deno.chmod(dir, 0o755);

/** Starts Holdfast on the directory of this study; returns it with the milliseconds until it was ready. */
async function start(): Promise<{ served: ServeProcess; ms: number }> {
  const began = performance.now();
  const served = startProcess({ env: { HOLDFAST_DATA_DIR: dir, PORT: String(freePort()) } });
  while (!await fetch(`${served.url}/api/health/ready`).then(isReady, () => false)) await wait(20);
  return { served, ms: performance.now() - began };
}

async function isReady(answer: Response): Promise<boolean> {
  await answer.body?.cancel();
  return answer.ok;
}

/** Stops Holdfast; returns the milliseconds until the process and its server are gone. */
async function stop(served: ServeProcess): Promise<number> {
  const began = performance.now();
  served.kill("SIGTERM");
  const code = await served.exited;
  if (code !== 0) throw new Error(`the stop ended with ${code}: ${served.errors()}`);
  while ((await postmastersOf(dir)).length > 0) await wait(20);
  return performance.now() - began;
}

/** Uploads rows one after another until the server is gone. */
async function upload(url: string): Promise<void> {
  const body = row().repeat(1_000);
  const headers = { "content-type": "application/x-ndjson" };
  try {
    for (;;) {
      const answer = await fetch(`${url}/api/ticks?create=true`, { method: "POST", headers, body });
      await answer.body?.cancel();
    }
  } catch {
    // The server has gone.
  }
}

/** What goes on when Holdfast is stopped; each returns the milliseconds of the stop. */
const stops: Record<string, (served: ServeProcess) => Promise<number>> = {
  "stop at rest": stop,
  async "stop during uploads of four clients"(served) {
    const clients = Array.from({ length: 4 }, () => upload(served.url));
    await wait(1_000);
    const ms = await stop(served);
    await Promise.all(clients);
    return ms;
  },
  async "stop with an upload that never ends"(served) {
    const endless = await beginUpload(served.url);
    endless.answer.catch(() => {});
    endless.trickle(row, 20);
    await wait(1_000);
    const ms = await stop(served);
    endless.vanish();
    return ms;
  },
  async "stop with a frozen server"(served) {
    await freeze(dir);
    return await stop(served);
  },
};

function report(what: string, found: number[], unit: string, target: string): void {
  const sorted = found.toSorted((a, b) => a - b);
  const shown = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((one = NaN) =>
    `${one < 10 ? one.toFixed(2) : Math.round(one)} ${unit}`
  );
  console.log(`| ${what} | ${found.length} | ${shown.join(" | ")} | ${target} |`);
}

/** Returns the resident bytes of a process and the share of a core that it takes, in per cent, over `restSeconds`. */
async function rest({ pid }: ServeProcess): Promise<{ mb: number; cpu: number }> {
  await wait(30_000); // what a start leaves to do
  const before = await cpuSeconds(pid) ?? NaN;
  await wait(restSeconds * 1_000);
  const cpu = (await cpuSeconds(pid) ?? NaN) - before;
  const pages = Number((await Deno.readTextFile(`/proc/${pid}/statm`)).split(" ")[1]);
  return { mb: pages * 4_096 / 1e6, cpu: cpu / restSeconds * 100 };
}

console.log("| what | times | median | worst | target |");
console.log("| --- | --- | --- | --- | --- |");
const first = await start();
report("first start, of an empty directory", [first.ms], "ms", "");
await stop(first.served);
const starts: number[] = [];
for (const [what, stopping] of Object.entries(stops)) {
  const took: number[] = [];
  for (let time = 0; time < times; time++) {
    const { served, ms } = await start();
    starts.push(ms);
    took.push(await stopping(served));
  }
  report(what, took, "ms", "5,000 ms");
}
report("start, until it is ready", starts, "ms", "2,000 ms");
const { served } = await start();
const { mb, cpu } = await rest(served);
report("resident memory at rest", [mb], "MB", "150 MB");
report("processor at rest, of one core", [cpu], "%", "0.3 %");
await stop(served);
await Deno.remove(dir, { recursive: true });
