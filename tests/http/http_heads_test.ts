import assert from "node:assert/strict";
import fc from "fast-check";
import { securityHeaders } from "../../routes/auth/security.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { readHead } from "../../runtime/http/target.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginRequest } from "../helpers/raw_request.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_HEADER_SECONDS: "1", HOLDFAST_BODY_SECONDS: "1" });
});
Deno.test.afterAll(() => app.stop());

const live = "/api/health/live";
/** A request whose connection ends with its answer. */
const request = (line: string, ...fields: string[]) =>
  [line, ...fields, "connection: close", "", ""].join("\r\n");
const asked = (target: string, host = "127.0.0.1") =>
  request(`GET ${target} HTTP/1.1`, `host: ${host}`);
const at = (host: string) => asked(live, host);

const heads: [what: string, sent: string, status: number][] = [
  ["a plain request", asked(live), 200],
  ["a port in Host", at("127.0.0.1:8000"), 200],
  ["an IPv6 address in Host", at("[::1]:8000"), 200],
  ["an absolute form of the same host", asked(`http://127.0.0.1${live}`), 200],
  ["its default port", asked(`http://127.0.0.1:80${live}`), 200],
  ["HTTP/1.0 without Host", request(`GET ${live} HTTP/1.0`), 200],
  ["OPTIONS of the whole server", request("OPTIONS * HTTP/1.1", "host: 127.0.0.1"), 204],
  ["an encoded target", asked(`${live}?%6e=%31`), 400],
  ["a path in Host", at("127.0.0.1/api/health/live?"), 400],
  ["a path in Host that leads elsewhere", asked("/x", "127.0.0.1/api/health/live?"), 400],
  ["a user in Host", at("me@127.0.0.1"), 400],
  ["a query in Host", at("127.0.0.1?"), 400],
  ["a fragment in Host", at("127.0.0.1#"), 400],
  ["two hosts in one", at("127.0.0.1, 127.0.0.2"), 400],
  ["an address that is none", at("1.2.3.999"), 400],
  ["a port that is none", at("127.0.0.1:99999"), 400],
  ["a backslash in Host", at("127.0.0.1\\x"), 400],
  ["an empty Host", at(""), 400],
  [
    "two headers Host",
    request(`GET ${live} HTTP/1.1`, "host: 127.0.0.1", "HOST: 127.0.0.1"),
    400,
  ],
  ["no Host", request(`GET ${live} HTTP/1.1`), 400],
  ["an absolute form of another scheme", asked(`https://127.0.0.1${live}`), 400],
  ["a scheme of files", asked("file:///etc/passwd"), 400],
  ["a scheme without a host", asked("javascript:alert(1)"), 400],
  ["an absolute form of another host", asked(`http://example.com${live}`), 400],
  ["an absolute form of another port", asked(`http://127.0.0.1:81${live}`), 400],
  ["an absolute form with a user", asked(`http://me@127.0.0.1${live}`), 400],
  ["two slashes", asked("//127.0.0.1/x"), 400],
  ["dots that lead to two slashes", asked("/..//127.0.0.1/x"), 400],
  ["two slashes in an absolute form", asked(`http://127.0.0.1/${live}`), 400],
  ["a backslash", asked("/\\example.com"), 400],
  ["an authority", asked("127.0.0.1:80"), 400],
  ["CONNECT", request("CONNECT 127.0.0.1:80 HTTP/1.1", "host: 127.0.0.1"), 405],
  ["an asterisk", asked("*"), 400],
  ["a fragment", asked(`${live}#x`), 400],
  ["no slash", asked("api/health/live"), 400],
  ["a control character", asked(`${live}\x01`), 400],
  ["a delete character", asked(`${live}\x7f`), 400],
  ["a tab", asked(`${live}\tx`), 400],
  ["a letter that is not ASCII", asked(`${live}?é`), 400],
  ["a NUL in a header", request(`GET ${live} HTTP/1.1`, "host: 127.0.0.1", "x: a\0b"), 400],
  ["a line end alone", `GET ${live} HTTP/1.1\nhost: 127.0.0.1\n\n`, 400],
  ["a folded header", request(`GET ${live} HTTP/1.1`, "host: 127.0.0.1", "x: a", " b"), 400],
  ["a blank before a colon", request(`GET ${live} HTTP/1.1`, "host : 127.0.0.1"), 400],
  ["no version", `GET ${live}\r\n\r\n`, 400],
  ["HTTP/2 in words", request(`GET ${live} HTTP/2.0`, "host: 127.0.0.1"), 400],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a TLS client", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["a method nobody knows", request(`BREW ${live} HTTP/1.1`, "host: 127.0.0.1"), 400],
  ["TRACE", request(`TRACE ${live} HTTP/1.1`, "host: 127.0.0.1"), 405],
  ["a target of 9 KB", asked(`${live}?${"x".repeat(9_000)}`), 414],
  ["a target of 20 KB", asked(`${live}?${"x".repeat(20_000)}`), 414],
  ["a header of 20 KB", request(asked(live).split("\r\n")[0]!, `x: ${"x".repeat(20_000)}`), 431],
  [
    "300 headers",
    request(`GET ${live} HTTP/1.1`, "host: 127.0.0.1", ...Array(300).fill("x: 1")),
    431,
  ],
  [
    "an expectation nobody can meet",
    request(`GET ${live} HTTP/1.1`, "host: 127.0.0.1", "expect: a-miracle"),
    417,
  ],
  [
    "two lengths",
    request(
      "POST /api/instruments HTTP/1.1",
      "host: 127.0.0.1",
      "content-length: 3",
      "content-length: 4",
    ),
    400,
  ],
  [
    "a length and chunks",
    request(
      "POST /api/instruments HTTP/1.1",
      "host: 127.0.0.1",
      "content-length: 3",
      "transfer-encoding: chunked",
    ),
    400,
  ],
  [
    "a chunk that is none",
    request(
      "POST /api/instruments HTTP/1.1",
      "host: 127.0.0.1",
      "content-type: application/json",
      "transfer-encoding: chunked",
    ) + "zz\r\n",
    400,
  ],
  [
    "a POST that asks for HTTP/2",
    request(
      "POST /api/instruments HTTP/1.1",
      "host: 127.0.0.1",
      "upgrade: h2c",
      "content-length: 0",
    ),
    400,
  ],
  [
    "a WebSocket at a Host with a path",
    [
      "GET /ws HTTP/1.1",
      "host: 127.0.0.1/x",
      "connection: upgrade",
      "upgrade: websocket",
      "",
      "",
    ].join("\r\n"),
    400,
  ],
];

for (const [what, sent, status] of heads) {
  Deno.test(`${what}: ${status}, numbered and with the headers of every answer`, async () => {
    const answer = await (await beginRequest(app.url, sent)).answer;
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    assert.equal(Number(head.split(" ")[1]), status, answer.slice(0, 600));
    const fields = new Headers(
      head.split("\r\n").slice(1).map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    for (const [name, value] of Object.entries(securityHeaders)) {
      assert.equal(fields.get(name), value, name);
    }
    assert.match(fields.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    if (status === 405) assert.ok(fields.has("allow"));
    if (status < 400) return;
    assert.equal(fields.get("content-type"), "application/problem+json");
    const problem = JSON.parse(body);
    assert.equal(problem.status, status);
    assert.equal(problem.request_id, fields.get("x-request-id"));
    assert.ok(problem.detail.length > 10);
    assert.ok(
      app.logs.some(({ request_id }) => request_id === problem.request_id),
      "the log has it",
    );
  });
}

Deno.test("whatever a head says, it is one address of its own Host, or refused", () => {
  const part = fc.oneof(
    fc.constantFrom("http", "//", "/", ":", "@", "?", "#", "\\", "..", "a", "[::1]", "127.0.0.1"),
    fc.string({ maxLength: 4, unit: "binary-ascii" }),
  );
  const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  const host = fc.oneof(text, fc.constantFrom("a", "a:80", "127.0.0.1:8000", "[::1]"));
  const target = fc.oneof(
    text,
    text.map((rest) => `/${rest}`),
    text.map((rest) => `http://${rest}`),
  );
  fc.assert(
    fc.property(fc.constantFrom("GET", "OPTIONS", "POST"), target, host, (method, target, host) => {
      const read = readHead({ method, target, version: "1.1", rawHeaders: ["Host", host] });
      if (!("url" in read)) return;
      const url = new URL(read.url);
      assert.equal(url.host, new URL(`http://${host}`).host);
      assert.equal(url.username + url.password + url.hash, "");
      assert.ok(!url.pathname.startsWith("//"));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("heads with bytes changed, left out or put in are answered or closed, and never a 5xx", async () => {
  const valid = [
    asked(live),
    request("POST /api/instruments HTTP/1.1", "host: a", "content-length: 2") + "{}",
    request("PUT /api/alerts/rules HTTP/1.1", "host: a", "transfer-encoding: chunked") +
    "2\r\n{}\r\n0\r\n\r\n",
    request("GET /ws HTTP/1.1", "host: a", "upgrade: websocket", "sec-websocket-version: 13"),
    asked(live) + asked(live),
  ];
  const byte = fc.oneof(
    fc.constantFrom(..."\r\n :/?#\0\t,;=%@*"),
    fc.string({ minLength: 1, maxLength: 1, unit: "binary-ascii" }),
  );
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat(3),
    put: fc.array(byte, { maxLength: 3 }),
  });
  const changed = fc.tuple(
    fc.constantFrom(...valid),
    fc.array(change, { minLength: 1, maxLength: 3 }),
  )
    .map(([head, changes]) =>
      changes.reduce((text, { at, drop, put }) => {
        const place = Math.floor(at * text.length);
        return text.slice(0, place) + put.join("") + text.slice(place + drop);
      }, head)
    );
  const tried = fc.sample(changed, { numRuns: 400, seed: 20_261_127 });
  const statuses = new Map<string, number>();
  const tryAll = async () => {
    for (let head = tried.pop(); head !== undefined; head = tried.pop()) {
      // One that it ends without an answer is reset: what it was sent is no request any more.
      const text = await (await beginRequest(app.url, head)).answer.catch(() => "");
      const [, status = "none"] = /^HTTP\/1\.1 (\d)/.exec(text) ?? [];
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.doesNotMatch(text, /HTTP\/1\.1 5/, JSON.stringify(head));
    }
  };
  await Promise.all(Array.from({ length: 16 }, tryAll));
  assert.ok((statuses.get("4") ?? 0) > 100, JSON.stringify([...statuses]));
  assert.ok((statuses.get("none") ?? 0) < 40, JSON.stringify([...statuses]));
});

Deno.test("an error of the handler is a 500 that says nothing of it", async () => {
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handle: () => Promise.reject(new Error("secret")),
  });
  try {
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(await answer.text(), /secret/);
  } finally {
    await server.stop();
  }
});
