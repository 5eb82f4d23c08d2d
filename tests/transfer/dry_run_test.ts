import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { judgeFile } from "../../services/transfer/import/dry_run.ts";
import { importFile } from "../helpers/imports.ts";
import { openSource } from "../../services/transfer/import/source.ts";
import { clientOf } from "../helpers/client.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";
import { bodyOf, countTicks, tick } from "../helpers/ticks.ts";

let app: TestApp;
let folder: string;
Deno.test.beforeAll(async () => {
  app = await startApp();
  folder = await Deno.makeTempDir({ prefix: "holdfast-dry-" });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(folder, { recursive: true });
});

const signal = new AbortController().signal;
let files = 0;
function write(text: string, ending: string): string {
  const path = `${folder}/${files++}.${ending}`;
  Deno.writeTextFileSync(path, text);
  return path;
}

async function judge(path: string, deleted: string[] = []) {
  return await judgeFile(await openSource(path), {
    known: new Map(
      deleted.map((symbol) => [symbol, { living: 0, deleted: 1, tick_size: null }]),
    ),
    limits: { nowUs: Date.now() * 1000, futureSeconds: 300, horizonDays: 7, backfill: true },
    maxRows: 1_000_000,
    signal,
    onProgress: () => {},
  });
}

async function load(path: string) {
  return await importFile(await openSource(path), {
    client: clientOf(app),
    onProgress: () => {},
    signal,
  });
}

const at = "2013-10-07T08:00:00.123456Z";
const csvLine = fc.constantFrom(
  `${at},SPY,1.5,10`,
  `${at},"A,B",1,1`,
  "",
  "  ",
  `${at},SPY,-1,1`,
  `${at},SPY,NaN,1`,
  `${at},SPY,1`,
  `2013-10-07T08:00:00,SPY,1,1`,
  `2999-01-01T00:00:00Z,SPY,1,1`,
  `2100-01-01T00:00:00Z,SPY,1,1`,
  `${at},GONE,1,1`,
  `${at},"SPY,1,1`,
);
const jsonLine = fc.constantFrom(
  JSON.stringify(tick({ ts: at, symbol: "SPY" })),
  JSON.stringify({ ...tick({ ts: at, symbol: "IBM" }), trade_id: 7 }),
  "",
  " ",
  `{"ts":"${at}","symbol":"SPY","price":NaN,"size":1}`,
  `{"ts":"${at}","symbol":"SPY","price":1}`,
  "[]",
  "not a tick",
  JSON.stringify(tick({ ts: "2100-01-01T00:00:00Z", symbol: "SPY" })),
  JSON.stringify(tick({ ts: at, symbol: "GONE" })),
);

Deno.test("a dry run says of each file what its import then does", async () => {
  await app.post("/api/instruments", { symbol: "GONE" }).then(async (answer) => {
    const { id } = await answer.json();
    await (await app.request(`/api/instruments/${id}`, { method: "DELETE" })).body?.cancel();
  });
  const file = fc.oneof(
    fc.array(csvLine, { minLength: 1, maxLength: 25 })
      .map((lines) => ({ ending: "csv", text: `ts,symbol,price,size\n${lines.join("\n")}` })),
    fc.array(jsonLine, { minLength: 1, maxLength: 25 })
      .map((lines) => ({ ending: "ndjson", text: lines.join("\r\n") })),
  );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(file, async ({ ending, text }) => {
      if (seen.has(text)) return; // imported before, it would be skipped
      seen.add(text);
      const path = write(text, ending);
      const verdict = await judge(path, ["GONE"]);
      const before = await countTicks(app);
      let done;
      try {
        done = await load(path);
      } catch (error) {
        assert.ok(error instanceof HoldfastError);
        assert.match(error.message, /No row of the body is a tick/);
        assert.match(verdict.stops ?? "", /the import would refuse the file/);
        assert.equal(verdict.ticks, 0);
        return;
      }
      assert.equal(verdict.stops, undefined);
      assert.deepEqual(
        [verdict.rows, verdict.ticks, verdict.refused],
        [done.rows, done.stored, done.quarantined],
      );
      assert.deepEqual(
        verdict.problems,
        done.problems.toSorted((a, b) => a.place - b.place),
      );
      assert.equal(await countTicks(app), before + verdict.ticks);
    }),
    { numRuns: 100 },
  );
});

Deno.test("problems carry the line of the file, over blank lines and batches", async () => {
  const good = JSON.stringify(tick({ ts: at, symbol: "LINES" }));
  const lines = [...Array(25_000).fill(good), "", "", "no", good, "", "nor"];
  const path = write(lines.join("\n"), "ndjson");
  const expected = [25_003, 25_006];
  const verdict = await judge(path);
  assert.deepEqual(verdict.problems.map(({ place }) => place), expected);
  const done = await load(path);
  assert.deepEqual(done.problems.map(({ place }) => place), expected);
  assert.deepEqual(done.faulty, [{ number: 2, firstPlace: 20_001, rows: 2 }]);
});

Deno.test("symbols, span and days are told, and only twenty problems", async () => {
  const times = ["2013-10-07T23:59:59.999999Z", "2013-10-09T00:00:00Z", "2013-10-08T12:00:00Z"];
  const good = bodyOf("csv", times.map((ts, at) => tick({ ts, symbol: `S${at}` })));
  const verdict = await judge(write(good + `x,S9,1,1,,,\n`.repeat(30), "csv"));
  assert.deepEqual([verdict.ticks, verdict.refused, verdict.problems.length], [3, 30, 20]);
  assert.deepEqual(verdict.symbols, ["S0", "S1", "S2"]);
  assert.equal(verdict.firstUs, Date.UTC(2013, 9, 8) * 1000 - 1);
  assert.equal(verdict.lastUs, Date.UTC(2013, 9, 9) * 1000);
  assert.equal(verdict.days.size, 3);
});

/** Runs `import` where nothing but the given app may be found. */
async function run(args: string[], port: string) {
  const env = { PORT: port, HOLDFAST_DATA_DIR: `${folder}/nowhere` };
  const command = startProcess({ env, args: ["import", ...args] });
  const code = await command.exited;
  return { code, output: command.output(), errors: command.errors() };
}

Deno.test("the command: no server needed, nothing made; a running one knows which symbols are new", async () => {
  const good = write(bodyOf("csv", [tick({ ts: at, symbol: "FRESH" })]), "csv");
  const bad = write("ts,symbol,prize\n1,2,3\n", "csv");
  const { port } = new URL(app.url);
  const [alone, beside, wrong] = await Promise.all([
    run(["--dry-run", good], "1"),
    run(["--dry-run", good], port),
    run(["--dry-run", bad, `${folder}/none.csv`, good], port),
  ]);
  assert.equal(alone.code, 0);
  assert.match(
    alone.output,
    /1 rows: 1 ticks, 0 refused\n.*symbols: 1 \(FRESH\)\n.*new symbols: unknown/,
  );
  await assert.rejects(Deno.stat(`${folder}/nowhere`), Deno.errors.NotFound);
  assert.equal(beside.code, 0);
  assert.match(beside.output, /new symbols: 1 \(FRESH\)/);
  assert.equal(await countTicks(app, "FRESH"), 0);
  assert.equal(wrong.code, 1);
  assert.match(wrong.errors, /none\.csv: it cannot be read/);
  assert.match(wrong.errors, /missing: price/);
  assert.match(wrong.output, /Total: 1 of 3 files; 1 rows: 1 ticks, 0 refused/);
});

Deno.test("the command says what is wrong with it, helps, and goes on past a bad file", async () => {
  const good = write(bodyOf("csv", [tick({ ts: at, symbol: "PAST" })]), "csv");
  const bad = write("ts,symbol,prize\n1,2,3\n", "csv");
  const { port } = new URL(app.url);
  const [help, unknown, none, mixed] = await Promise.all([
    run(["--help"], "1"),
    run(["--dry", good], "1"),
    run([], "1"),
    run([bad, good, good], port),
  ]);
  assert.deepEqual([help.code, help.errors], [0, ""]);
  assert.match(help.output, /deno task import FILE…/);
  assert.match(unknown.errors, /^Unknown option '--dry'; see deno task import --help\n$/);
  assert.match(none.errors, /^Name the files/);
  assert.deepEqual([unknown.code, none.code, mixed.code], [1, 1, 1]);
  assert.match(mixed.errors, /missing: price, size$/m);
  assert.match(
    mixed.output,
    /1 ticks stored;.*\n.*1 rows skipped: .*\nTotal: 2 of 3 files; 1 ticks stored;/,
  );
  assert.equal(await countTicks(app, "PAST"), 1);
});
