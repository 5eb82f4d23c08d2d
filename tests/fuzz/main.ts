import { parseArgs } from "node:util";
import { startApp } from "../helpers/test_app.ts";
import { fuzz } from "./run.ts";

/** `deno task fuzz`: requests made from openapi.yaml, to a server of its own; exits 1 when one is not answered as published. */
const { values } = parseArgs({
  args: Deno.args,
  options: { requests: { type: "string" }, seed: { type: "string" } },
});
const requests = Number(values.requests ?? 100_000);
const seed = Number(values.seed ?? 1);
const app = await startApp();
const rss = () => Math.round(Deno.memoryUsage().rss / 1024 / 1024);
const before = rss();
const started = performance.now();
const report = await fuzz({
  url: app.url,
  document: await app.json("/openapi.json"),
  requests,
  seed,
  progress: (done) => console.error(`${done} of ${requests}, ${rss()} MiB`),
});
await app.stop();
const seconds = (performance.now() - started) / 1000;
console.log(
  `seed ${seed}: ${report.requests} requests in ${
    seconds.toFixed(0)
  } s, memory ${before} to ${rss()} MiB`,
);
console.log(JSON.stringify(report.statuses));
for (const { request, problem } of report.findings) console.log(`${problem}\n    ${request}`);
Deno.exit(report.findings.length === 0 ? 0 : 1);
