import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip, gzipSync } from "node:zlib";
import type { Client } from "../../client/client.ts";
import { createProgressBar } from "../../commands/common/progress.ts";
import type { ImportProgress } from "../../services/transfer/import/importer.ts";
import { importFile } from "../helpers/imports.ts";
import { openSource } from "../../services/transfer/import/source.ts";
import { clientOf } from "../helpers/client.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { realData, testWith } from "../helpers/skip.ts";
import { bodyOf, countTicks, type Format, readTicks, type Tick, tick } from "../helpers/ticks.ts";

let app: TestApp;
let folder: string;
Deno.test.beforeAll(async () => {
  app = await startApp();
  folder = await Deno.makeTempDir({ prefix: "holdfast-import-" });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(folder, { recursive: true });
});

const rows = 45_000; // three batches, the last one short

function ticksOf(symbol: string, count = rows): Tick[] {
  const start = Date.UTC(2013, 9, 7, 23, 50);
  return Array.from(
    { length: count },
    (_, at) =>
      tick({ ts: new Date(start + at * 40).toISOString(), symbol, price: at % 97, size: at % 13 }),
  );
}

function write(name: string, text: string | Uint8Array): string {
  const path = `${folder}/${name}`;
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  Deno.writeFileSync(path, name.endsWith(".gz") ? gzipSync(bytes) : bytes);
  return path;
}

async function load(
  path: string,
  { client = clientOf(app), signal = new AbortController().signal, onProgress = () => {} }: {
    client?: Client;
    signal?: AbortSignal;
    onProgress?: (progress: ImportProgress) => void;
  } = {},
): Promise<ImportProgress> {
  return await importFile(await openSource(path), { client, signal, onProgress });
}

const counts = ({ rows, stored, skipped, quarantined }: ImportProgress) => ({
  rows,
  stored,
  skipped,
  quarantined,
});

Deno.test("a file of each kind is stored whole, in order, with progress, and only once", async () => {
  const kinds: [Format, string][] = [
    ["csv", "a.csv"],
    ["csv", "b.csv.gz"],
    ["ndjson", "c.ndjson"],
    ["ndjson", "d.jsonl.gz"],
  ];
  for (const [format, name] of kinds) {
    const ticks = ticksOf(name);
    const path = write(name, bodyOf(format, ticks));
    const seen: number[] = [];
    const first = await load(path, { onProgress: ({ bytesRead }) => seen.push(bytesRead) });
    assert.deepEqual(counts(first), { rows, stored: rows, skipped: 0, quarantined: 0 });
    assert.equal(seen.length, 3);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    assert.equal(seen.at(-1), first.file.bytes);
    assert.deepEqual(await readTicks(app, name), ticks);
    const second = await load(path);
    assert.deepEqual(counts(second), { rows, stored: 0, skipped: rows, quarantined: 0 });
    assert.equal(await countTicks(app, name), rows);
  }
});

Deno.test("an import cut short goes on where it was", async () => {
  const path = write("short.csv", bodyOf("csv", ticksOf("SHORT")));
  const stop = new AbortController();
  await assert.rejects(
    load(path, { signal: stop.signal, onProgress: () => stop.abort(new Error("stopped")) }),
    /stopped/,
  );
  assert.equal(await countTicks(app, "SHORT"), 20_000);
  const rest = await load(path);
  assert.deepEqual(counts(rest), { rows, stored: 25_000, skipped: 20_000, quarantined: 0 });
  assert.deepEqual(await readTicks(app, "SHORT"), ticksOf("SHORT"));
});

Deno.test("a batch whose answer was lost, or that was turned away, is sent again and stored once", async () => {
  const path = write("lost.csv", bodyOf("csv", ticksOf("LOST")));
  let turn = 0;
  const unreliable = async (request: Request) => {
    turn++;
    if (turn === 2) return new Response("busy", { status: 503, headers: { "retry-after": "0" } });
    const response = await fetch(request);
    if (turn !== 1) return response;
    await response.body?.cancel();
    return new Response("lost", { status: 502, headers: { "retry-after": "0" } });
  };
  const progress = await load(path, { client: clientOf(app, { fetch: unreliable }) });
  assert.equal(progress.rows, rows);
  assert.equal(progress.stored + progress.skipped, rows);
  assert.equal(await countTicks(app, "LOST"), rows);
});

Deno.test("why it waits stands on the bar's line, once where lines are not redrawn", async () => {
  const path = write("wait.csv", bodyOf("csv", ticksOf("WAIT", 10)));
  let turn = 0;
  const notReady = async (request: Request) => {
    if (++turn > 3) return await fetch(request);
    const problem = { code: "database_unavailable", detail: "The database is not ready yet" };
    return Response.json(problem, { status: 503, headers: { "retry-after": "0" } });
  };
  for (const isTerminal of [false, true]) {
    turn = 0;
    let shown = "";
    const bar = createProgressBar({ write: (text) => shown += text, isTerminal });
    await importFile(await openSource(path), {
      client: clientOf(app, { fetch: notReady }),
      signal: new AbortController().signal,
      onWait: (why) => bar.wait("wait.csv", why),
      onProgress: ({ rows }) => bar.draw("wait.csv", 1, `${rows} rows`),
    });
    const waits = shown.split("waiting: database_unavailable: The database is not ready yet");
    assert.equal(waits.length - 1, isTerminal ? 3 : 1);
    assert.match(waits.at(-1) ?? "", /100% +10 rows/);
  }
});

Deno.test("bad rows are quarantined and counted, blank lines and a second header spoil nothing", async () => {
  const good = bodyOf("csv", ticksOf("SOME", 10));
  const text = `${good}\n\r\n${good}2013-10-07T08:00:00Z,SOME,-1,1,,,\n`;
  const progress = await load(write("some.csv", text));
  assert.deepEqual(counts(progress), { rows: 22, stored: 20, skipped: 0, quarantined: 2 });
});

Deno.test("a stretch without one tick is told and passed over; a file that begins so is the wrong file", async () => {
  const good = bodyOf("ndjson", ticksOf("STRETCH", 20_000));
  const progress = await load(write("stretch.ndjson", `${good}\nnot a tick\nnor this\n`));
  assert.deepEqual([progress.stored, progress.refused], [20_000, 2]);
  assert.match(progress.refusal ?? "", /No row of the body is a tick/);
  await assert.rejects(load(write("wrong.ndjson", "not a tick\n")), /No row of the body is a tick/);
});

Deno.test("gzip of several members is read to its end", async () => {
  const text = bodyOf("ndjson", ticksOf("MEMBERS", 100));
  const half = text.indexOf("\n", text.length / 2) + 1;
  const path = `${folder}/members.ndjson.gz`;
  Deno.writeFileSync(
    path,
    new Uint8Array([...gzipSync(text.slice(0, half)), ...gzipSync(text.slice(half))]),
  );
  assert.equal((await load(path)).stored, 100);
});

Deno.test("gzip cut short is refused before its first row is stored", async () => {
  const whole = gzipSync(bodyOf("csv", ticksOf("CUT")));
  const path = `${folder}/cut.csv.gz`;
  Deno.writeFileSync(path, whole.subarray(0, whole.length - 100));
  await assert.rejects(load(path), /gzip data is damaged or incomplete/);
  assert.equal(await countTicks(app, "CUT"), 0);
});

Deno.test("a file that is not there, or of another kind, is refused by name", async () => {
  await assert.rejects(openSource(`${folder}/none.csv`), /none\.csv: it cannot be read/);
  await assert.rejects(openSource(write("ticks.xlsx", "")), /ticks\.xlsx: the name must end in/);
});

interface Day {
  rows: number;
  volume: Record<string, number>;
  candles: Record<string, Record<string, number[]>>;
}

/** A day's sums straight from its file: open, high, low, close, volume and trades of each minute. */
async function sumUp(path: string): Promise<Day> {
  const day: Day = { rows: 0, volume: {}, candles: {} };
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) });
  for await (const line of lines) {
    if (line.startsWith("ts,")) continue;
    const [ts = "", symbol = "", priceText, sizeText] = line.split(",");
    const [price, size] = [Number(priceText), Number(sizeText)];
    day.rows++;
    day.volume[symbol] = (day.volume[symbol] ?? 0) + size;
    const minutes = day.candles[symbol] ??= {};
    const candle = minutes[`${ts.slice(0, 16)}:00Z`];
    // The file is in order of time, so the first and the last line of a minute are its open and close.
    if (!candle) minutes[`${ts.slice(0, 16)}:00Z`] = [price, price, price, price, size, 1];
    else {
      const [open = 0, high = 0, low = 0, , volume = 0, trades = 0] = candle;
      minutes[`${ts.slice(0, 16)}:00Z`] = [
        open,
        Math.max(high, price),
        Math.min(low, price),
        price,
        volume + size,
        trades + 1,
      ];
    }
  }
  return day;
}

testWith(realData, "a real day is stored as its file has it", async () => {
  const path = realData.path("2013-10-07");
  const expected = await sumUp(path);
  assert.equal(expected.rows, 388_417);
  const clean = await startApp();
  try {
    const progress = await load(path, { client: clientOf(clean) });
    assert.equal(progress.stored, expected.rows);
    assert.equal(await countTicks(clean), expected.rows);
    const volumes = await clean.sql<{ symbol: string; volume: number }[]>`
      select i.symbol, sum(t.size) as volume
      from market.ticks as t
      join market.instruments as i on i.id = t.instrument_id
      group by i.symbol`;
    const volume = Object.fromEntries(volumes.map((one) => [one.symbol, one.volume]));
    assert.deepEqual(volume, expected.volume);
    for (const [symbol, minutes] of Object.entries(expected.candles)) {
      const { candles } = await clean.json<{ candles: Record<string, number>[] }>(
        `/api/candles?symbol=${symbol}&limit=10000`,
      );
      const stored = Object.fromEntries(
        candles.map(({ ts, ...c }) => [ts, [c.open, c.high, c.low, c.close, c.volume, c.trades]]),
      );
      assert.deepEqual(stored, minutes, symbol);
    }
    const again = await load(path, { client: clientOf(clean) });
    assert.deepEqual([again.stored, again.skipped], [0, expected.rows]);
    assert.equal(await countTicks(clean), expected.rows);
  } finally {
    await clean.stop();
  }
});
