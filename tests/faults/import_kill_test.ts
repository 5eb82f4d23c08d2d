import assert from "node:assert/strict";
import { encoders } from "../../services/transfer/export/encode.ts";
import { writeFile } from "../../services/transfer/export/target.ts";
import { eventually } from "../helpers/eventually.ts";
import { createFleet } from "../helpers/fleet.ts";
import { freePort, postmastersOf, startProcess } from "../helpers/process.ts";
import { type Tick, tick } from "../helpers/ticks.ts";

/** Kills before an import may end; one in the suite, `HOLDFAST_FAULT_ROUNDS=20` for more. */
const kills = Number(Deno.env.get("HOLDFAST_FAULT_ROUNDS") ?? 1);
const rows = 45_000; // three batches a file, the last one short
const { start, newDataDir, clear } = createFleet();

Deno.test.afterAll(clear);

function ticksOf(symbol: string): Tick[] {
  const start = Date.UTC(2013, 9, 7, 23, 30);
  return Array.from({ length: rows }, (_, at) =>
    tick({
      ts: new Date(start + (at >> 2) * 40).toISOString(),
      symbol,
      price: at % 97,
      trade_id: `${symbol}-${at}`,
    }));
}

const files = [["csv", "K1"], ["parquet", "K2"]] as const;

async function writeFiles(folder: string): Promise<string[]> {
  const signal = new AbortController().signal;
  const options = { gzip: false, force: false, signal };
  for (const [format, symbol] of files) {
    const pages = async function* () {
      yield ticksOf(symbol);
    };
    await writeFile(`${folder}/ticks.${format}`, encoders[format](pages()), options);
  }
  return files.map(([format]) => `${folder}/ticks.${format}`);
}

/** Imports both files, killed amid it `kills` times and then left to end; answers what the last run said. */
async function importWithKills(env: Record<string, string>, paths: string[]): Promise<string> {
  for (let kill = 0; kill < kills; kill++) {
    const running = startProcess({ env, args: ["import", ...paths] });
    await eventually(() => /rows\/s/.test(running.errors()), "a batch is stored", 30_000);
    // The moment is what varies; nothing waits for a result here.
    await new Promise((done) => setTimeout(done, Math.random() * 400));
    try {
      running.kill("SIGKILL");
    } catch {
      // it had ended
    }
    await running.exited;
  }
  const last = startProcess({ env, args: ["import", ...paths] });
  assert.equal(await last.exited, 0, last.errors());
  console.error(`${kills} kills; ${last.output().split("\n").at(-2)}`);
  return last.output();
}

/** What an export has of a symbol, in order: each row of its file once, none twice, none missing. */
async function assertExactlyOnce(env: Record<string, string>): Promise<void> {
  const out = startProcess({ env, args: ["export", "--out", "-", "--format", "ndjson"] });
  assert.equal(await out.exited, 0, out.errors());
  const lines = out.output().trim().split("\n");
  assert.equal(lines.length, files.length * rows);
  const expected = files.flatMap(([, symbol]) => ticksOf(symbol));
  const wrong = lines.findIndex((line, at) => line !== JSON.stringify(expected[at]));
  assert.equal(wrong, -1, `${lines[wrong]} is not ${JSON.stringify(expected[wrong])}`);
}

Deno.test(`an import through a running Holdfast killed (${kills}) ends with exactly the rows of its files`, async () => {
  const dir = await newDataDir();
  const holdfast = start(dir);
  await holdfast.ready();
  const env = { PORT: new URL(holdfast.url).port, HOLDFAST_DATA_DIR: dir };
  const said = await importWithKills(env, await writeFiles(dir));
  assert.match(said, /^Total: 2 of 2 files; /m);
  await assertExactlyOnce(env);
  holdfast.interrupt();
  assert.equal(await holdfast.exited, 0);
});

Deno.test(`an import on its own database killed (${kills}) ends with exactly the rows of its files`, async () => {
  const dir = await newDataDir();
  const env = { PORT: String(freePort()), HOLDFAST_DATA_DIR: dir };
  const said = await importWithKills(env, await writeFiles(dir));
  assert.match(said, /^Total: 2 of 2 files; /m);
  await assertExactlyOnce(env);
  assert.deepEqual(await postmastersOf(dir), [], "no server is left");
});
