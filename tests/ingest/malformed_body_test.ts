import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import {
  type Answer,
  bodyOf,
  countTicks,
  type Format,
  formats,
  gzip,
  problemOf,
  send,
  tick,
  types,
} from "../helpers/ticks.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
  await send(app, good, "?create=true");
});
Deno.test.afterAll(() => app.stop());

const ts = new Date().toISOString();
const good = [tick({ ts, symbol: "SPY", price: 601.25, size: 100, exchange: "P" })];
const row = (fields: Record<string, unknown>) => JSON.stringify([{ ...good[0], ...fields }]);
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
const csv = (line: string) => `ts,symbol,price,size,exchange\n${line}\n`;

interface Bad {
  what: string;
  body: string | Uint8Array;
  format?: Format;
  headers?: Record<string, string>;
  status?: number;
  code?: string;
  /** The line and path of the first problem. */
  at: [number | undefined, string];
}

const zip = await gzip(bodyOf("ndjson", good));
const zipped = { "content-encoding": "gzip" };

const bodies: Bad[] = [
  { what: "an empty body", body: "", at: [1, "body"] },
  { what: "empty NDJSON", body: "", format: "ndjson", at: [1, "body"] },
  { what: "empty CSV", body: "", format: "csv", at: [1, "header"] },
  { what: "bad JSON", body: '[{"ts": ', at: [1, "ts"] },
  { what: "bad JSON in line 3", body: `[\n${row({}).slice(1, -1)},\n{'ts'}]`, at: [3, "body"] },
  { what: "an object", body: JSON.stringify(good[0]), at: [1, "body"] },
  { what: "null", body: "null", at: [1, "body"] },
  { what: "an array of numbers", body: "[1, 2, 3]", at: [1, "line"] },
  { what: "an array of arrays", body: "[[], []]", at: [1, "line"] },
  {
    what: "NaN in JSON",
    body: row({ price: 7 }).replace(`"price":7`, `"price":NaN`),
    at: [1, "price"],
  },
  { what: "NaN in CSV", body: csv(`${ts},SPY,NaN,1,P`), format: "csv", at: [2, "price"] },
  { what: "NaN in NDJSON", body: `\n{"price":NaN}`, format: "ndjson", at: [2, "price"] },
  {
    what: "infinity",
    body: row({ price: 7 }).replace(`"price":7`, `"price":1e999`),
    at: [1, "price"],
  },
  { what: "infinity in CSV", body: csv(`${ts},SPY,1,inf,P`), format: "csv", at: [2, "size"] },
  { what: "a price as text", body: row({ price: "601.25" }), at: [1, "price"] },
  { what: "a price of null", body: row({ price: null }), at: [1, "price"] },
  { what: "a time as number", body: row({ ts: 1769851800000 }), at: [1, "ts"] },
  { what: "a symbol as object", body: row({ symbol: {} }), at: [1, "symbol"] },
  { what: "an exchange as array", body: row({ exchange: ["P"] }), at: [1, "exchange"] },
  { what: "no symbol", body: row({ symbol: undefined }), at: [1, "symbol"] },
  { what: "a negative price", body: row({ price: -1 }), at: [1, "price"] },
  { what: "a negative size", body: csv(`${ts},SPY,1,-1,P`), format: "csv", at: [2, "size"] },
  { what: "a price beyond any market", body: row({ price: 1e308 }), at: [1, "price"] },
  { what: "the year 9999", body: row({ ts: "9999-12-31T23:59:59Z" }), at: [1, "ts"] },
  { what: "the year 0000", body: row({ ts: "0000-01-01T00:00:00Z" }), at: [1, "ts"] },
  { what: "the year 10000", body: row({ ts: "+010000-01-01T00:00:00Z" }), at: [1, "ts"] },
  { what: "a day that is none", body: row({ ts: "2026-02-30T00:00:00Z" }), at: [1, "ts"] },
  { what: "a time without offset", body: row({ ts: ts.slice(0, -1) }), at: [1, "ts"] },
  { what: "a lone surrogate", body: row({ symbol: "\ud800" }), at: [1, "symbol"] },
  { what: "a NUL", body: row({ symbol: "A\0" }), at: [1, "symbol"] },
  { what: "a NUL after an emoji", body: row({ exchange: "😀\0" }), at: [1, "exchange"] },
  { what: "a NUL in CSV", body: csv(`${ts},S\0Y,1,1,P`), format: "csv", at: [2, "symbol"] },
  { what: "a control character", body: row({ side: "buy\u001b[2J" }), at: [1, "side"] },
  { what: "a symbol of 65 characters", body: row({ symbol: "S".repeat(65) }), at: [1, "symbol"] },
  { what: "deep arrays", body: "[".repeat(200_000), at: [1, "body"] },
  {
    what: "a deep element",
    body: `[${"[".repeat(50_000)}${"]".repeat(50_000)}]`,
    at: [1, "line"],
  },
  {
    what: "a line of 1 MB",
    body: `${bodyOf("ndjson", good)}${"x".repeat(1 << 20)}\n`,
    format: "ndjson",
    at: [2, "line"],
  },
  {
    what: "a CSV line of 1 MB",
    body: csv(`${ts},${"S".repeat(1 << 20)},1,1,P`),
    format: "csv",
    at: [2, "line"],
  },
  {
    what: "CSV without a header",
    body: `${ts},SPY,1,1,P\n`,
    format: "csv",
    at: [1, "header"],
  },
  { what: "an open quote", body: csv(`${ts},"SPY,1,1,P`), format: "csv", at: [2, "line"] },
  { what: "too few fields", body: csv(`${ts},SPY,1`), format: "csv", at: [2, "line"] },
  { what: "Latin-1", body: bytes('[{"symbol":"', [0xe9], '"}]'), at: [1, "body"] },
  {
    what: "bytes that are not UTF-8",
    body: bytes(bodyOf("ndjson", good), [0xc3, 0x28, 0x0a]),
    format: "ndjson",
    at: [2, "body"],
  },
  { what: "UTF-16", body: bytes([0xff, 0xfe, 0x5b, 0, 0x5d, 0]), format: "csv", at: [1, "body"] },
  {
    what: "truncated gzip",
    body: zip.slice(0, -10),
    format: "ndjson",
    headers: zipped,
    at: [undefined, "body"],
  },
  {
    what: "gzip with a wrong checksum",
    body: zip.map((byte, at) => at === zip.length - 6 ? byte ^ 1 : byte),
    format: "ndjson",
    headers: zipped,
    at: [undefined, "body"],
  },
  {
    what: "gzip that is none",
    body: bodyOf("ndjson", good),
    format: "ndjson",
    headers: zipped,
    at: [undefined, "body"],
  },
  {
    what: "gzip that is not said",
    body: zip,
    format: "ndjson",
    at: [1, "body"],
  },
  {
    what: "an unknown encoding",
    body: bodyOf("json", good),
    headers: { "content-encoding": "br" },
    status: 415,
    code: "unsupported_encoding",
    at: [undefined, "content-encoding"],
  },
  ...["text/plain", "application/xml", "multipart/form-data", "", "json"].map((type): Bad => ({
    what: `the content type "${type}"`,
    body: bodyOf("json", good),
    headers: { "content-type": type },
    status: 415,
    code: "unsupported_media_type",
    at: [undefined, "content-type"],
  })),
];

for (const { what, body, format = "json", headers = {}, status = 400, code, at } of bodies) {
  Deno.test(`${what} is refused, with where and why`, async () => {
    const before = await countTicks(app);
    const response = await app.post("/api/ticks?backfill=true", body, {
      "content-type": types[format],
      ...headers,
    });
    const problem = await problemOf(response);
    assert.deepEqual([problem.status, problem.code], [status, code ?? "malformed_body"]);
    assert.deepEqual([problem.errors?.[0]?.line, problem.errors?.[0]?.path], at);
    assert.ok(problem.errors?.[0]?.message);
    assert.equal(await countTicks(app), before);
  });
}

Deno.test("a body that is too large is refused", async () => {
  const small = await startApp({
    HOLDFAST_INGEST_MAX_BYTES: "65536",
    HOLDFAST_INGEST_MAX_JSON_BYTES: "65536",
    HOLDFAST_INGEST_MAX_ROWS: "100",
  });
  try {
    for (const format of formats) {
      const large = bodyOf(format, Array(2_000).fill(good[0]));
      for (const packed of [false, true]) {
        const response = await small.post(
          "/api/ticks?create=true",
          packed ? await gzip(large) : large,
          {
            "content-type": types[format],
            ...(packed ? zipped : {}),
          },
        );
        const problem = await problemOf(response);
        assert.equal(problem.status, 413);
        assert.match(problem.code, /body_too_large|too_many_rows/);
      }
    }
    assert.equal(await countTicks(small), 0);
    assert.equal((await send(small, good, "?create=true")).accepted, 1);
  } finally {
    await small.stop();
  }
});

Deno.test("a whole row among bad ones is stored, and each bad one named", async () => {
  const body = JSON.stringify([{ ...good[0], price: -1 }, good[0], 5, { ...good[0], ts: "x" }]);
  const answer: Answer = await (await app.post("/api/ticks", body)).json();
  assert.deepEqual([answer.accepted, answer.quarantined], [1, 3]);
  assert.deepEqual(answer.errors?.map(({ line, path }) => [line, path]), [
    [1, "price"],
    [3, "line"],
    [4, "ts"],
  ]);
});

Deno.test("a quarantined row with NUL and half a character is kept, cleaned", async () => {
  const body = `${bodyOf("ndjson", good)}{"\\u0000": NaN}\n{"\0\n${"😀".repeat(1_500)}\n`;
  const response = await app.post("/api/ticks", body, { "content-type": types.ndjson });
  const answer: Answer = await response.json();
  assert.deepEqual([response.status, answer.accepted, answer.quarantined], [200, 1, 3]);
});

Deno.test("a refusal that quotes a NUL or half a character is kept, and so is its upload", async () => {
  const mapped = "?columns=ts=ts,symbol=symbol,price=price,size=size";
  for (const key of ["a\0b", "\ud800", `${"x".repeat(39)}😀`]) {
    const keyed: Record<string, string> = { "idempotency-key": crypto.randomUUID() };
    for (const headers of [{}, keyed]) {
      const body = `${bodyOf("ndjson", good)}${JSON.stringify({ [key]: 1 })}\n`;
      const response = await app.post(`/api/ticks${mapped}`, body, {
        "content-type": types.ndjson,
        ...headers,
      });
      const answer: Answer = await response.json();
      assert.deepEqual([response.status, answer.accepted, answer.quarantined], [200, 1, 1]);
    }
  }
});

Deno.test("after all this a good upload works as before, and nothing failed inside", async () => {
  for (const format of formats) {
    const response = await app.post("/api/ticks", bodyOf(format, good), {
      "content-type": types[format],
    });
    const answer: Answer = await response.json();
    assert.deepEqual(answer, { accepted: 1, quarantined: 0, replayed: false });
  }
  assert.deepEqual(app.logs.filter(({ event }) => event === "request_failed"), []);
});
