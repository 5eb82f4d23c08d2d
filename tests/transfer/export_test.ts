import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { encoders, type ExportFormat } from "../../services/transfer/export/encode.ts";
import { type ExportRange, readTicks as readPages } from "../../services/transfer/export/reader.ts";
import { writeFile } from "../../services/transfer/export/target.ts";
import { importFile } from "../helpers/imports.ts";
import { openSource } from "../../services/transfer/import/source.ts";
import { reasonOf } from "../../services/transfer/refusal.ts";
import { clientOf } from "../helpers/client.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";
import { realData, testWith } from "../helpers/skip.ts";
import { countTicks, readTicks, send, type Tick, tick } from "../helpers/ticks.ts";
import { slowTests } from "../helpers/skip.ts";

let from: TestApp;
let into: TestApp;
let folder: string;
Deno.test.beforeAll(async () => {
  [from, into] = await Promise.all([startApp(), startApp()]);
  folder = await Deno.makeTempDir({ prefix: "holdfast-export-" });
});
Deno.test.afterAll(async () => {
  await from.stop();
  await into.stop();
  await Deno.remove(folder, { recursive: true });
});

const signal = new AbortController().signal;
const formats: [ExportFormat, string][] = [
  ["csv", "csv"],
  ["csv", "csv.gz"],
  ["ndjson", "ndjson"],
  ["ndjson", "jsonl.gz"],
  ["parquet", "parquet"],
];

async function exportTo(
  path: string,
  symbols: string[],
  { format, range = {} }: {
    format: ExportFormat;
    range?: ExportRange;
  },
): Promise<void> {
  await writeFile(path, encoders[format](readPages(clientOf(from, { signal }), symbols, range)), {
    gzip: path.endsWith(".gz"),
    force: false,
    signal,
  });
}

async function importInto(app: TestApp, path: string) {
  return await importFile(await openSource(path), {
    client: clientOf(app),
    onProgress: () => {},
    signal,
  });
}

const start = Date.UTC(2013, 9, 7, 23, 59, 58) * 1000;
const words = fc.string({
  minLength: 1,
  maxLength: 12,
  unit: fc.constantFrom(..."aP ,;\"'\\é漢😀\uFEFF\u2028"),
});
const label = fc.option(words);
const anyTick = fc.record({
  us: fc.integer({ min: 0, max: 4_000_000 }).map((us) => us - us % (us % 3 === 0 ? 1_000_000 : 1)),
  price: fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  size: fc.oneof(
    fc.integer({ min: 0, max: 1e9 }),
    fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  ),
  exchange: label,
  side: label,
  trade_id: label,
});

function rfc(us: number): string {
  const text = new Date(Math.floor(us / 1000)).toISOString().slice(0, -1);
  return us % 1000 === 0 ? `${text}Z` : `${text}${String(us % 1000).padStart(3, "0")}Z`;
}

const exactly = (ts: string) => ts.replace(/Z$/, "").padEnd(26, "0");
/** By time; those of one time as they came. */
const inOrder = (ticks: Tick[]) =>
  ticks.toSorted((a, b) =>
    Number(exactly(a.ts) > exactly(b.ts)) - Number(exactly(a.ts) < exactly(b.ts))
  );

Deno.test("exported and imported again: the same ticks in the same order, in each format", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyTick, { minLength: 1, maxLength: 40 }),
      words,
      async (given, word) => {
        for (const [format, ending] of formats) {
          const symbol = `${word} ${round++}`;
          const ticks = given.map(({ us, ...rest }) => ({ ts: rfc(start + us), symbol, ...rest }));
          await send(from, ticks, "?create=true&backfill=true");
          const stored = await readTicks(from, symbol);
          assert.deepEqual(stored, inOrder(ticks));
          const path = `${folder}/${round}.${ending}`;
          await exportTo(path, [symbol], { format });
          const { stored: rows, quarantined } = await importInto(into, path);
          assert.deepEqual([rows, quarantined], [ticks.length, 0]);
          assert.deepEqual(await readTicks(into, symbol), stored, `${format} ${path}`);
        }
      },
    ),
    { numRuns: slowTests.present ? 20 : 8 },
  );
});

Deno.test("ticks of one and the same time keep their order over pages, row groups and batches", async () => {
  for (const format of ["csv", "parquet"] as const) {
    const symbol = `SAME ${format}`;
    const ticks = Array.from(
      { length: 25_000 },
      (_, at) => tick({ ts: "2013-10-08T08:00:00.000Z", symbol, price: at }),
    );
    await send(from, ticks, "?create=true&backfill=true");
    const path = `${folder}/same.${format}`;
    await exportTo(path, [symbol], { format });
    assert.equal((await importInto(into, path)).stored, ticks.length);
    assert.deepEqual(await readTicks(into, symbol), ticks);
  }
});

Deno.test("a range takes what is from its start on and before its end, symbol after symbol", async () => {
  const times = ["00.000", "00.001", "00.002", "00.003"].map((at) => `2013-10-08T09:00:${at}Z`);
  for (const symbol of ["R2", "R1"]) {
    await send(from, times.map((ts) => tick({ ts, symbol })), "?create=true&backfill=true");
  }
  const path = `${folder}/range.ndjson`;
  await exportTo(path, ["R2", "R1"], {
    format: "ndjson",
    range: { from: times[1], to: times[3] },
  });
  const lines = Deno.readTextFileSync(path).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ symbol, ts }) => [symbol, ts]), [
    ["R2", times[1]],
    ["R2", times[2]],
    ["R1", times[1]],
    ["R1", times[2]],
  ]);
});

Deno.test("an export outlasts a server that is away for a moment, and leaves nothing of one that fails", async () => {
  await send(
    from,
    [tick({ ts: "2013-10-08T10:00:00Z", symbol: "AWAY" })],
    "?create=true&backfill=true",
  );
  const away: string[] = [];
  let turn = 0;
  const shaky = async (request: Request) => {
    turn++;
    if (turn === 1) throw new Error("connection refused");
    if (turn === 2) return new Response("busy", { status: 503, headers: { "retry-after": "0" } });
    return await fetch(request);
  };
  const client = clientOf(from, {
    fetch: shaky,
    signal,
    retry: { tries: 5, baseMs: 20, onRetry: ({ problem }) => away.push(reasonOf(problem)) },
  });
  const path = `${folder}/away.csv`;
  const options = { gzip: false, force: false, signal };
  await writeFile(path, encoders.csv(readPages(client, ["AWAY"], {})), options);
  assert.equal(away.length, 2);
  assert.match(away[0] ?? "", /^Cannot reach .*: connection refused$/);
  assert.equal(away[1], "overloaded: 503 busy");
  assert.equal(Deno.readTextFileSync(path).trim().split("\n").length, 2);

  const before = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const missing = encoders.csv(readPages(client, ["AWAY", "NOBODY"], {}));
  await assert.rejects(writeFile(`${folder}/none.csv`, missing, options), /NOBODY/);
  await assert.rejects(
    writeFile(path, encoders.csv(readPages(client, ["AWAY"], {})), options),
    /it exists/,
  );
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), before);
});

/** Runs a command of Holdfast against the app whose ticks are exported. */
async function run(args: string[], app: TestApp = from) {
  const { port } = new URL(app.url);
  const command = startProcess({
    env: { PORT: port, HOLDFAST_DATA_DIR: `${folder}/nowhere` },
    args,
  });
  const code = await command.exited;
  return { code, output: command.output(), errors: command.errors() };
}

Deno.test("the command: all symbols by name, deleted ones too, to a file or standard output", async () => {
  const app = await startApp();
  try {
    for (const symbol of ["B", "C", "A"]) {
      await send(
        app,
        [tick({ ts: "2013-10-08T11:00:00.000Z", symbol })],
        "?create=true&backfill=true",
      );
    }
    const { instruments } = await app.json<{ instruments: { id: number }[] }>(
      "/api/instruments?symbol=B",
    );
    await (await app.request(`/api/instruments/${instruments[0]?.id}`, { method: "DELETE" })).body
      ?.cancel();
    const lines = ["A", "B", "C"].map((symbol) => `2013-10-08T11:00:00.000Z,${symbol},10,1,,,\n`);
    const csv = `ts,symbol,price,size,exchange,side,trade_id\n${lines.join("")}`;
    const piped = await run(["export", "--out", "-", "--format", "csv"], app);
    assert.deepEqual([piped.code, piped.output], [0, csv]);
    const path = `${folder}/all.csv.gz`;
    const written = await run(["export", "--out", path], app);
    assert.match(written.output, /^all\.csv\.gz: 3 ticks of 3 symbols/);
    assert.equal(gunzipSync(Deno.readFileSync(path)).toString(), csv);
    const again = await run(["export", "--out", path], app);
    assert.deepEqual([again.code, again.output], [1, ""]);
    assert.match(
      again.errors,
      /^Cannot write .*all\.csv\.gz: it exists; --force replaces it/,
    );
    assert.equal(
      (await run(["export", "--out", path, "--force", "--symbol", "C,A"], app)).code,
      0,
    );
    assert.equal(
      gunzipSync(Deno.readFileSync(path)).toString(),
      `ts,symbol,price,size,exchange,side,trade_id\n${lines[2]}${lines[0]}`,
    );
    await (await app.post("/api/instruments", { symbol: "B" })).body?.cancel();
    const third = await run(["export", "--out", "-", "--format", "csv"], app);
    assert.match(
      third.errors,
      /^B: deleted instruments that had this symbol before are not in the export$/m,
    );
  } finally {
    await app.stop();
  }
});

Deno.test("the command says what is wrong with it, and helps", async () => {
  const wrong: [string[], RegExp][] = [
    [["--nope"], /^Unknown option '--nope'; see deno task export --help\n$/],
    [[], /^Name the file with --out FILE/],
    [["--out", "x.bin"], /^Give --format csv, ndjson or parquet/],
    [["--out", "-", "--format", "parquet"], /^Parquet needs a file/],
    [["--out", "x.csv", "--from", "monday"], /^--from is "monday"; it must be an RFC 3339 time/],
  ];
  const answers = await Promise.all(
    [...wrong.map(([args]) => args), ["--help"]].map((args) => run(["export", ...args])),
  );
  const help = answers.pop();
  assert.deepEqual([help?.code, help?.errors], [0, ""]);
  assert.match(help?.output ?? "", /deno task export --out FILE/);
  for (const [at, { code, errors, output }] of answers.entries()) {
    assert.deepEqual([code, output], [1, ""]);
    assert.match(errors, wrong[at]?.[1] ?? /never/);
  }
});

testWith(realData, "the first hour of a real day comes out as it went in", async () => {
  const source = realData.path("2013-10-07");
  const lines: string[] = [];
  const input = createInterface({ input: createReadStream(source).pipe(createGunzip()) });
  for await (const line of input) {
    const [ts = "", symbol] = line.split(",");
    if (symbol === "SPY" && ts >= "2013-10-07T13:30" && ts < "2013-10-07T14:30") lines.push(line);
  }
  assert.ok(lines.length > 10_000, `${lines.length} rows`);
  const slice = `${folder}/slice.csv`;
  Deno.writeTextFileSync(slice, `ts,symbol,price,size,exchange\n${lines.join("\n")}\n`);
  await importInto(from, slice);
  const range = { from: "2013-10-07T13:30:00Z", to: "2013-10-07T14:30:00Z" };
  const path = `${folder}/hour.csv`;
  await exportTo(path, ["SPY"], { format: "csv", range });
  const ticks = (text: string): Tick[] =>
    text.trim().split("\n").slice(1).map((line) => {
      const [ts = "", symbol = "", price, size, exchange = ""] = line.split(",");
      return tick({
        ts: rfc(Date.parse(ts) * 1000),
        symbol,
        price: Number(price),
        size: Number(size),
        exchange,
      });
    });
  assert.deepEqual(ticks(Deno.readTextFileSync(path)), ticks(Deno.readTextFileSync(slice)));
  const parquet = `${folder}/hour.parquet`;
  await exportTo(parquet, ["SPY"], { format: "parquet", range });
  await importInto(into, parquet);
  assert.deepEqual(await readTicks(into, "SPY"), await readTicks(from, "SPY"));
  assert.equal(await countTicks(into, "SPY"), lines.length);
});
