import { parseArgs } from "node:util";
import { startApp } from "../helpers/test_app.ts";
import { describeMemory, watchMemory } from "./memory.ts";
import { fuzz } from "./run.ts";

/**
 * `deno task fuzz`: requests made from openapi.yaml, to a server of its own; exits 1 when one is not answered as published,
 * when the memory does not fall back afterwards, or when it still grows in the second half.
 */
const { values } = parseArgs({
  args: Deno.args,
  options: { requests: { type: "string" }, seed: { type: "string" } },
});
const requests = Number(values.requests ?? 100_000);
const seed = Number(values.seed ?? 1);
// Lines that are kept would be taken for memory of the server.
const app = await startApp({}, { logsMax: 1_000 });
const document = await app.json<Parameters<typeof fuzz>[0]["document"]>("/openapi.json");
const started = performance.now();
// Until each operation has been asked a few times, caches fill and schemas are compiled.
const warmUp = await fuzz({ url: app.url, document, requests: 2_000, seed: seed + 1 });
const memory = watchMemory();
// Both marks are made while the fuzzer holds its compiled schemas.
const half = Math.floor(requests / 2_000) * 1_000;
const report = await fuzz({
  url: app.url,
  document,
  requests,
  seed,
  progress(done) {
    if (done === half || done === requests) memory.mark();
    const { heapUsed, rss } = memory.sample();
    const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
    console.error(`${done} of ${requests}, heap ${mib(heapUsed)} MiB, resident ${mib(rss)} MiB`);
  },
});
const use = await memory.end();
await app.stop();
const seconds = (performance.now() - started) / 1000;
const findings = [...warmUp.findings, ...report.findings];
console.log(`seed ${seed}: ${report.requests} requests in ${seconds.toFixed(0)} s`);
console.log(`memory: ${describeMemory(use)}`);
console.log(JSON.stringify(report.statuses));
for (const { request, problem } of findings) console.log(`${problem}\n    ${request}`);
Deno.exit(findings.length === 0 && use.fellBack && use.stayed ? 0 : 1);
