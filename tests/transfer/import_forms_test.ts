import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";
import { type Answer, countTicks, type ProblemDocument, readTicks } from "../helpers/ticks.ts";

let app: TestApp;
let folder: string;
Deno.test.beforeAll(async () => {
  app = await startApp();
  folder = await Deno.makeTempDir({ prefix: "holdfast-forms-" });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(folder, { recursive: true });
});

async function send(
  query: Record<string, string>,
  body: string,
  { type = "text/csv", key }: { type?: string; key?: string } = {},
): Promise<{ status: number; answer: Answer & ProblemDocument }> {
  const params = new URLSearchParams({ create: "true", backfill: "true", ...query });
  const response = await app.request(`/api/ticks?${params}`, {
    method: "POST",
    headers: { "content-type": type, ...(key ? { "idempotency-key": key } : {}) },
    body,
  });
  return { status: response.status, answer: await response.json() };
}

/** Runs `import` through the app. */
async function run(...args: string[]) {
  const { port } = new URL(app.url);
  const env = { PORT: port, HOLDFAST_DATA_DIR: `${folder}/nowhere` };
  const command = startProcess({ env, args: ["import", ...args] });
  const code = await command.exited;
  return { code, output: command.output(), errors: command.errors() };
}

function write(name: string, text: string | Uint8Array): string {
  const path = `${folder}/${name}`;
  if (typeof text === "string") Deno.writeTextFileSync(path, text);
  else Deno.writeFileSync(path, text);
  return path;
}

Deno.test("uploads of other forms are read as their query says, in every format", async () => {
  const kraken = { preset: "kraken", symbol: "F_XBT", exchange: "kraken" };
  assert.deepEqual((await send(kraken, "1381095255,122.5,0.1\n")).answer, {
    accepted: 1,
    quarantined: 0,
    replayed: false,
  });
  const json = { columns: "ts=when,price=px,size=q", symbol: "F_XBT", time_unit: "ns" };
  const object = '{"when":1381095256123456789,"px":"1.5","q":2}';
  await send(json, `[${object}]`, { type: "application/json" });
  await send(json, `${object}\n`, { type: "application/x-ndjson" });
  const stored = await readTicks(app, "F_XBT");
  assert.deepEqual(stored.map(({ ts, price, exchange }) => [ts, price, exchange]), [
    ["2013-10-06T21:34:15.000Z", 122.5, "kraken"],
    ["2013-10-06T21:34:16.123456Z", 1.5, null],
    ["2013-10-06T21:34:16.123456Z", 1.5, null],
  ]);
});

Deno.test("a refusal says what is wrong, where, and what to say instead", async () => {
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{}, "ts,symbol,price,size\n1381095255123,F_NO,1,1\n", /time_unit=ms/],
    [
      { time_unit: "s" },
      "ts,symbol,price,size\n1381095255123,F_NO,1,1\n",
      /line 2: .*did you mean ms/,
    ],
    [{ preset: "nyse" }, "", /preset: "nyse" is not one of/],
    [{ preset: "dukascopy", symbol: "X" }, "", /choose dukascopy-bid/],
    [{ time_zone: "Mars" }, "", /time_zone: "Mars" is not a time zone/],
  ];
  for (const [query, body, words] of wrong) {
    const { status, answer } = await send(query, body);
    assert.equal(status, 400);
    assert.match(answer.detail, words);
    assert.ok(answer.errors?.[0]?.path);
  }
  assert.equal(await countTicks(app, "F_NO"), 0);
});

Deno.test("a key is of the bytes and of how they are read", async () => {
  const body = "1381095255,122.5,0.1\n";
  const query = { preset: "kraken", symbol: "F_KEY" };
  await send(query, body, { key: "forms-1" });
  assert.equal((await send(query, body, { key: "forms-1" })).answer.replayed, true);
  const other = await send({ ...query, symbol: "F_KEY2" }, body, { key: "forms-1" });
  assert.deepEqual([other.status, other.answer.code], [422, "idempotency_key_reused"]);
});

Deno.test("a row that was mapped and refused does not become a tick when it is tried again unmapped", async () => {
  const rows = [
    '{"ts":"2013-10-07T13:30:00Z","symbol":"F_AGAIN","price":5,"bid":7,"size":1}',
    '{"ts":"2013-10-07T13:30:00Z","symbol":"F_AGAIN","price":5,"bid":null,"size":1}',
  ];
  const { answer } = await send({ columns: "price=bid" }, rows.join("\n"), {
    type: "application/x-ndjson",
  });
  assert.deepEqual([answer.accepted, answer.quarantined], [1, 1]);
  const retried = await app.post("/api/quarantine/retry?create=true", { symbol: "F_AGAIN" });
  await retried.body?.cancel();
  assert.deepEqual((await readTicks(app, "F_AGAIN")).map(({ price }) => price), [7]);
});

const aggTrade = (row: number) =>
  `${row},${42_000 + row % 100},0.5,${row},${row},${1_735_689_600_000_000 + row},${
    row % 2 === 0
  },true`;

Deno.test("a file without a header is imported in batches, once for each way to read it", async () => {
  const rows = 45_000;
  const lines = Array.from({ length: rows }, (_, row) => aggTrade(row));
  lines[20_000] = "a batch may begin with a bad line";
  const path = write("agg.csv", `${lines.join("\n")}\n`);
  const options = ["--preset", "binance-aggtrades", "--symbol"];
  const first = await run(...options, "F_AGG", path);
  assert.equal(first.code, 0, first.errors);
  assert.match(first.output, /44,999 ticks stored; 1 rows quarantined/);
  assert.match(first.output, /ignored columns: f, l, M/);
  assert.match(first.output, /agg\.csv line 20001: line: the line has 1 fields, the header 8/);
  assert.match(first.output.trimEnd().split("\n").at(-1) ?? "", /quarantine: 1 rows/);
  const again = await run(...options, "F_AGG", path);
  assert.match(again.output, /0 ticks stored; 45,000 rows skipped/);
  const other = await run(...options, "F_AGG2", path);
  assert.match(other.output, /44,999 ticks stored/);
  for (const symbol of ["F_AGG", "F_AGG2"]) {
    assert.equal(await countTicks(app, symbol), rows - 1);
  }
  const [tick] = await readTicks(app, "F_AGG");
  assert.deepEqual([tick?.ts, tick?.side, tick?.trade_id], [
    "2025-01-01T00:00:00.000Z",
    "sell",
    "0",
  ]);
});

Deno.test("what can be seen of a file beforehand is said before the first row of any is stored", async () => {
  const good = write("good.csv", "ts,symbol,price,size\n2013-10-07 13:30:00.5+00,F_GOOD,1,2\n");
  const line = "2013-10-07T13:30:00Z,F_LATE,1,2\n";
  const late = new TextEncoder().encode(`ts,symbol,price,size\n${line.repeat(25_000)}é\n`);
  late[late.length - 3] = 0xff;
  const { code, output, errors } = await run(
    good,
    write("late.csv", late),
    write("klines.csv", "open_time,open,high,low,close,volume\n"),
    write("utf16.csv", new Uint8Array([0xff, 0xfe, 0x74, 0, 0x73, 0])),
  );
  assert.equal(code, 1);
  const [before = "", after = ""] = errors.split("Importing 1 file(s)");
  assert.match(before, /late\.csv: The body is not UTF-8 text/);
  assert.match(before, /klines\.csv: .*missing: ts, symbol, price, size\n +these are candles/);
  assert.match(before, /utf16\.csv: .*UTF-16; save it as UTF-8/);
  assert.doesNotMatch(after, /late|klines|utf16/);
  assert.match(output, /good\.csv: 1 ticks stored/);
  assert.equal(await countTicks(app, "F_LATE"), 0);
});

Deno.test("Parquet of other names is imported by saying which is which, and a dry run says the same", async () => {
  const path = new URL("../fixtures/parquet/arrow_rs_date_time.parquet", import.meta.url).pathname;
  const options = [
    "--columns",
    "ts=date+time,symbol=ticker,price=px,size=qty,buyer_is_maker=is_buyer_maker",
    "--time-zone",
    "UTC",
    "--exchange",
    "F_DATE",
    path,
  ];
  const dry = await run("--dry-run", ...options);
  assert.equal(dry.code, 0, dry.errors);
  assert.match(dry.output, /300 rows: 300 ticks, 0 refused\n +ignored columns: flags/);
  const done = await run(...options);
  assert.match(done.output, /300 ticks stored/);
  const mistaken = await run("--time-unit", "parsec", path);
  assert.deepEqual([mistaken.code, mistaken.errors], [
    1,
    '--time-unit: "parsec" is not one of s, ms, us, ns\n',
  ]);
});
