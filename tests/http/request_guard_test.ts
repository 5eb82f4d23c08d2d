import assert from "node:assert/strict";
import fc from "fast-check";
import { nearest } from "../../lib/text/nearest.ts";
import { unusableText } from "../../lib/text/usable_text.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginRequest } from "../helpers/raw_request.ts";

let app: TestApp;
const limits = { depth: 64, values: 10_000 };

Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

interface Refusal {
  status: number;
  code: string;
  path: string | undefined;
  message: string | undefined;
}

async function refusal(path: string, init: RequestInit = {}): Promise<Refusal> {
  const answer = await app.request(path, init);
  const { code, detail, errors } = await answer.json();
  return {
    status: answer.status,
    code,
    path: errors?.[0]?.path,
    message: errors?.[0]?.message ?? detail,
  };
}

const json = (body: string, type: string | null = "application/json"): RequestInit => ({
  method: "POST",
  body: new TextEncoder().encode(body),
  headers: type === null ? {} : { "content-type": type },
});

Deno.test("an unknown query parameter is refused, and the nearest known one is named", async () => {
  const cases = [
    ["/api/ticks?creat=true", { method: "POST", body: "[]" }, "creat", "; did you mean create?"],
    ["/api/ticks?symbol=A&form=x", {}, "form", "; did you mean from?"],
    ["/api/instruments?dry-run=1", {}, "dry-run", ""],
    ["/api/health?verbose=1", {}, "verbose", ""],
    ["/api/backups/x?froce=true", { method: "DELETE" }, "froce", "; did you mean force?"],
  ] as const;
  for (const [path, init, name, hint] of cases) {
    const { status, code, path: at, message } = await refusal(path, init);
    assert.deepEqual([path, status, code, at], [path, 400, "invalid_request", name]);
    assert.match(message ?? "", new RegExp(`is not a parameter of .*${hint.replace("?", "\\?")}$`));
  }
});

Deno.test("a parameter given twice is refused, and so is a number that is not plain digits", async () => {
  const twice = await refusal("/api/ticks?symbol=A&symbol=B");
  assert.deepEqual([twice.status, twice.path, twice.message], [
    400,
    "symbol",
    "is given more than once",
  ]);
  for (const limit of ["0x10", "%205", "1e2", "+5", "5.0", "05", "-1", "", "9".repeat(30)]) {
    const { status, path, message } = await refusal(`/api/instruments?limit=${limit}`);
    assert.deepEqual([limit, status, path], [limit, 400, "limit"]);
    assert.match(message ?? "", /whole number|expected number|>=1|<=1000/);
  }
  assert.equal((await app.request("/api/instruments?limit=5")).status, 200);
});

Deno.test("a time in another form is refused with the form that is taken", async () => {
  for (
    const from of ["2026-01-31", "1764331200", "2026-01-31T09:30:00", "2026-01-31T09:30:00+02:00"]
  ) {
    const { status, path, message } = await refusal(`/api/ticks?symbol=A&from=${from}`);
    assert.deepEqual([from, status, path], [from, 400, "from"]);
    assert.match(message ?? "", /^must be an RFC 3339 time with an offset, such as 2026-.*%2B/);
  }
  const before = await refusal(
    "/api/alerts/rehearse",
    json(
      '{"rule":"connections","to":"0000-01-01T00:00:00Z"}',
    ),
  );
  assert.deepEqual([before.status, before.path], [400, "from"]);
});

Deno.test("a body is never ignored: its type must be named, and an operation that takes none refuses one", async () => {
  const retry = "/api/quarantine/retry";
  for (const type of [null, "text/plain", "application/x-www-form-urlencoded"]) {
    const { status, code } = await refusal(retry, json('{"ids":["1"]}', type));
    assert.deepEqual([type, status, code], [type, 415, "unsupported_media_type"]);
  }
  assert.equal((await refusal("/api/backups", json("{", null))).status, 415);
  assert.equal((await refusal("/api/backups", json("{"))).status, 400);
  const none = await refusal("/api/partitions/archives/none", json("{}"));
  assert.equal(none.status, 404);
  const taken = await refusal("/api/session", { ...json("{}"), method: "DELETE" });
  assert.deepEqual([taken.status, taken.message], [400, "is not taken here"]);
});

Deno.test("a body that is not JSON, or not said to be, is refused with what is wrong and where", async () => {
  const cases: [string, string, number, string, RegExp][] = [
    ["/api/partitions/plan", "{", 400, "json", /ends too early/],
    ["/api/instruments", '{"symbol":"A",\n"tick_size":NaN}', 400, "tick_size", /unexpected "NaN"/],
    ["/api/instruments", '{"symbol":"A",}', 400, "json", /unexpected "}"/],
    ["/api/backups", "{} x", 400, "json", /unexpected "x"/],
    ["/api/alerts/rehearse", "{'rule':1}", 400, "json", /unexpected "'"/],
    ["/api/rehearsals", " ", 400, "json", /ends too early/],
  ];
  for (const [path, body, status, at, message] of cases) {
    const found = await refusal(path, json(body));
    assert.deepEqual([body, found.status, found.code, found.path], [
      body,
      status,
      "invalid_request",
      at,
    ]);
    assert.match(found.message ?? "", message);
  }
  const answer = await app.request("/api/instruments", json('{"symbol":"A",\n\n"kind":x}'));
  assert.equal((await answer.json()).errors[0].line, 3);
  const typed = await refusal("/api/instruments", json("{}", "text/plain"));
  assert.deepEqual([typed.status, typed.path], [415, "content-type"]);
});

Deno.test("a JSON body is parsed once", async () => {
  const body = '{"symbol":"PARSED","kind":"counted"}';
  const parse = JSON.parse;
  let times = 0;
  JSON.parse = (text, reviver) => {
    if (text === body) times++;
    return parse(text, reviver);
  };
  try {
    const created = await app.request("/api/instruments", json(body));
    assert.deepEqual([created.status, (await created.json()).kind], [201, "counted"]);
  } finally {
    JSON.parse = parse;
  }
  assert.equal(times, 1);
});

Deno.test("an action on many rows says which, or says that it means all", async () => {
  const { status, path, message } = await refusal("/api/quarantine/retry", json("{}"));
  assert.deepEqual([status, path], [400, "all"]);
  assert.match(message ?? "", /needed without ids, reason, symbol, from or to/);
  const all = await app.request("/api/quarantine/retry", json('{"all":true}'));
  assert.equal(all.status, 200);
  await all.body?.cancel();
});

Deno.test("a field that a request does not have is refused with the nearest one it has", async () => {
  const { status, path, message } = await refusal(
    "/api/instruments",
    json('{"symbol":"X","tick-size":1}'),
  );
  assert.deepEqual([status, path, message], [
    400,
    "tick-size",
    "is not a field of this request; did you mean tick_size?",
  ]);
});

Deno.test("NUL and half surrogate pairs are refused wherever they stand", async () => {
  const bad = [
    await refusal("/api/instruments", json('{"symbol":"A\\u0000B"}')),
    await refusal("/api/instruments", json('{"symbol":"A\\ud800"}')),
    await refusal("/api/alerts/silences", json('{"rule":null,"reason":"\\udc00"}')),
    await refusal("/api/alerts/rehearse", json('{"rule":"connections","scope":"\\u0000"}')),
    await refusal("/api/partitions/plan", json('{"table":"a.\\u0000"}')),
    await refusal("/api/instruments?symbol=%00"),
    await refusal("/api/instruments?symbol=%ed%a0%80"),
    await refusal("/api/instruments?symbol=%ff"),
    await refusal("/api/backups/%00"),
    await refusal("/api/partitions/policies/a%00b"),
    await refusal("/api/instruments", { ...json(""), body: Uint8Array.of(0x22, 0xff, 0x22) }),
  ];
  for (const [at, { status, code }] of bad.entries()) {
    assert.deepEqual([at, status, code], [at, 400, "invalid_request"]);
  }
});

Deno.test("a body nested without end is refused before it is parsed", async () => {
  const deep = "[".repeat(100_000);
  const { status, message } = await refusal("/api/instruments", json(deep));
  assert.deepEqual([status, message], [400, "is nested more than 64 deep"]);
});

Deno.test("text is usable exactly when no string of it holds a NUL or half a pair", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\0", "\ud800", "a\udfffb", "\\u0000", '"\\ud800"'),
  );
  fc.assert(fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (value) => {
    const strings = Object.entries(value).flat(2);
    const bad = strings.some((one) => one.includes("\0") || !one.isWellFormed());
    // What arrives is UTF-8: halves that stand unescaped do not survive the way.
    const sent = new TextDecoder().decode(new TextEncoder().encode(JSON.stringify(value)));
    assert.equal(unusableText(sent, limits) !== undefined, bad);
  }));
  const nested = fc.integer({ min: 1, max: 90 });
  fc.assert(fc.property(nested, (depth) => {
    const value = `${"[".repeat(depth)}"]]["${"]".repeat(depth)}`;
    assert.equal(unusableText(value, limits) !== undefined, depth > 64);
  }));
});

Deno.test("the nearest name is one or two slips away, or there is none", () => {
  const known = ["create", "backfill", "dry_run", "from", "to", "limit"];
  assert.equal(nearest("creat", known), "create");
  assert.equal(nearest("dry-run", known), "dry_run");
  assert.equal(nearest("form", known), "from");
  assert.equal(nearest("Limit", known), "limit");
  assert.equal(nearest("symbol", known), undefined);
  assert.equal(nearest("x".repeat(10_000), known), undefined);
});

Deno.test("a JSON body that stalls, or that never ends, is given up, and its connection closed", async () => {
  const hasty = await startApp({
    HOLDFAST_BODY_STALL_SECONDS: "1",
    HOLDFAST_BODY_SECONDS: "2",
  });
  const begin = (length: string) =>
    beginRequest(
      hasty.url,
      `POST /api/instruments HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${length}\r\n\r\n`,
    );
  try {
    const stalled = await Promise.all(
      Array.from({ length: 50 }, () => begin("content-length: 100")),
    );
    const answers = await Promise.all(stalled.map((one) => one.answer));
    assert.ok(answers.every((text) => text.startsWith("HTTP/1.1 408 ")));
    assert.match(answers[0] ?? "", /No bytes of the body came for 1 s/);
    const endless = await begin("transfer-encoding: chunked");
    const timer = setInterval(() => void endless.send("1\r\n \r\n").catch(() => {}), 100);
    try {
      assert.match(await endless.answer, /did not end within 2 s/);
    } finally {
      clearInterval(timer);
    }
  } finally {
    await hasty.stop();
  }
});

Deno.test("an empty body in chunks is none, and a GET with a body is refused", async () => {
  const plan = await beginRequest(
    app.url,
    "POST /api/partitions/plan HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  );
  assert.match(await plan.answer, /^HTTP\/1\.1 200 /);
  for (const path of ["/api/instruments", "/api/health/live", "/login"]) {
    const get = await beginRequest(
      app.url,
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`,
    );
    const text = await get.answer;
    assert.match(text, /^HTTP\/1\.1 400 /, path);
    assert.match(text, /a GET request takes no body/);
  }
});
