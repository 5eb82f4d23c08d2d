import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { overdue } from "../../runtime/http/connections.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { beginRequest, type RawRequest } from "../helpers/raw_request.ts";

const limits = { headMs: 600, idleMs: 400, requestMs: 1_000 };
const count = 100;
const get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/** Waits for `work`, at most `ms`. */
async function deadline<T>(work: Promise<T>, ms: number): Promise<T> {
  const stop = new AbortController();
  const late = delay(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`Not done after ${ms} ms`);
  });
  late.catch(() => {});
  return await Promise.race([work, late]).finally(() => stop.abort());
}

/** Sends `text` again and again until the connection ends. */
function drip(request: RawRequest, text: string, everyMs: number): void {
  const timer = setInterval(() => request.send(text).catch(() => clearInterval(timer)), everyMs);
  request.answer.finally(() => clearInterval(timer)).catch(() => {});
}

/** Opens `count` connections that begin in the same way, and returns what each got until its end. */
async function stalled(url: string, head: string, dripped?: string): Promise<string[]> {
  const requests = await Promise.all(Array.from({ length: count }, () => beginRequest(url, head)));
  if (dripped !== undefined) requests.forEach((request) => drip(request, dripped, 150));
  return await Promise.all(requests.map(({ answer }) => answer));
}

/** Asks again and again, on connections of its own, until `work` is done. */
async function servingMeanwhile<T>(url: string, path: string, work: Promise<T>): Promise<T> {
  let over = false;
  const ended = work.finally(() => over = true);
  let served = 0;
  do {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(5_000) });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    if (!over) served++;
    await new Promise((done) => setTimeout(done, 50));
  } while (!over);
  assert.ok(served > 0, "others were served meanwhile");
  return await ended;
}

interface Stall {
  what: string;
  head: string;
  drip?: string;
  expected: RegExp;
}

const stalls: Stall[] = [
  { what: "that send nothing", head: "", expected: /^HTTP\/1\.1 408 / },
  { what: "that send half a head", head: "GET / HTTP/1.1\r\nhost:", expected: /^HTTP\/1\.1 408 / },
  {
    what: "that send a head line by line",
    head: "GET / HTTP/1.1\r\n",
    drip: "x: 1\r\n",
    expected: /^HTTP\/1\.1 408 /,
  },
  { what: "that stay after an answer", head: get, expected: /^HTTP\/1\.1 200 [^]*fine$/ },
  {
    what: "that send blank lines after an answer",
    head: get,
    drip: "\r\n",
    expected: /^HTTP\/1\.1 200 [^]*fine$/,
  },
  {
    what: "that send half a head after an answer",
    head: `${get}GET / HT`,
    expected: /^HTTP\/1\.1 200 [^]*fineHTTP\/1\.1 408 /,
  },
  {
    what: "whose answer never comes",
    head: "GET /never HTTP/1.1\r\nhost: a\r\n\r\n",
    expected: /^HTTP\/1\.1 504 /,
  },
  {
    what: "whose body goes on for ever",
    head: "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
    drip: "1\r\nx\r\n",
    expected: /^HTTP\/1\.1 408 /,
  },
];

for (const { what, head, drip: dripped, expected } of stalls) {
  Deno.test(`a hundred clients ${what}: all are ended, and others are served meanwhile`, async () => {
    const left: Promise<unknown>[] = [];
    const server = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      limits,
      handle: async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/read") return new Response(await request.text().catch(() => "left"));
        if (pathname !== "/never") return new Response("fine");
        const { promise, resolve } = Promise.withResolvers<Response>();
        request.signal.addEventListener("abort", () => resolve(new Response("late")));
        left.push(promise);
        return await promise;
      },
    });
    try {
      const url = `http://127.0.0.1:${server.port}`;
      await within(8_000, "the last is ended", async () => {
        const started = performance.now();
        const texts = await servingMeanwhile(url, "/", stalled(url, head, dripped));
        for (const text of texts) assert.match(text, expected);
        return performance.now() - started;
      });
      await Promise.all(left); // the work for those that got no answer has ended too
    } finally {
      await server.stop();
    }
  });
}

const unread: [string, () => BodyInit][] = [
  ["whole", () => "x".repeat(32 * 1024 * 1024)],
  [
    "a stream",
    () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
      }),
  ],
];
for (const [what, body] of unread) {
  Deno.test(`a client that does not read its answer is ended: ${what}`, async () => {
    const asked = Promise.withResolvers<void>();
    const server = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      limits: { ...limits, requestMs: 60_000 },
      handle: () => {
        asked.resolve();
        const type = what === "whole" ? "text/plain" : "application/octet-stream";
        return new Response(body(), { headers: { "content-type": type } });
      },
    });
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    try {
      await connection.write(new TextEncoder().encode(get));
      await asked.promise;
      // A stop waits for the answer under way: nothing but the limit ends it.
      await deadline(server.stop(), 10_000);
    } finally {
      connection.close();
    }
  });
}

Deno.test("what is overdue goes by the state of a connection alone", () => {
  const time = fc.integer({ min: 0, max: 5_000 });
  fc.assert(fc.property(
    fc.boolean(),
    time,
    fc.option(time, { nil: undefined }),
    time,
    (busy, since, stuckSince, now) => {
      const found = overdue({ busy, since, stuckSince, upgraded: false }, limits, now);
      const quiet = !busy && now - since > limits.headMs + limits.idleMs;
      const late = busy && now - since > limits.requestMs;
      const stuck = busy && stuckSince !== undefined && now - stuckSince > limits.idleMs;
      assert.equal(found !== undefined, quiet || late || stuck);
      assert.equal(
        overdue({ busy, since, stuckSince, upgraded: true }, limits, now),
        undefined,
      );
    },
  ));
});

Deno.test("connections beyond the bounds, of one address and in all, are told so and closed", async () => {
  for (
    const bounds of [{ connectionsMax: 3, connectionsPerAddressMax: 9 }, {
      connectionsMax: 9,
      connectionsPerAddressMax: 3,
    }]
  ) {
    const server = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      limits: bounds,
      handle: () => new Response("fine"),
    });
    const url = `http://127.0.0.1:${server.port}`;
    const kept: Deno.Conn[] = [];
    try {
      for (let at = 0; at < 3; at++) {
        kept.push(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
      }
      assert.match(await (await beginRequest(url, "")).answer, /^HTTP\/1\.1 503 /);
      kept.pop()?.close();
      await eventually(
        async () =>
          /^HTTP\/1\.1 200 /.test(
            await (await beginRequest(
              url,
              get.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"),
            ))
              .answer.catch(() => ""),
          ),
        "there is room again",
      );
    } finally {
      for (const connection of kept) connection.close();
      await server.stop();
    }
  }
});

Deno.test("a hundred stalled bodies of each kind are problems 408, and others are served meanwhile", async () => {
  const app = await startApp({
    HOLDFAST_BODY_STALL_SECONDS: "1",
    HOLDFAST_BODY_SECONDS: "2",
    HOLDFAST_INGEST_STALL_SECONDS: "1",
    HOLDFAST_INGEST_DEADLINE_SECONDS: "3",
  });
  const headOf = (path: string, type: string) =>
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\n` +
    "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
  try {
    for (
      const [head, dripped, detail] of [
        [headOf("/api/instruments", "application/json"), undefined, /No bytes of the body/],
        [headOf("/api/instruments", "application/json"), "1\r\n \r\n", /did not end within 2 s/],
        [headOf("/api/ticks", "application/x-ndjson"), undefined, /No bytes of the body/],
        [headOf("/api/ticks", "application/x-ndjson"), "1\r\n \r\n", /No rows came within 3 s/],
      ] as const
    ) {
      const work = stalled(app.url, head, dripped);
      for (const text of await servingMeanwhile(app.url, "/api/health/live", work)) {
        assert.match(text, /^HTTP\/1\.1 408 /);
        assert.match(text, /x-request-id: /i);
        assert.match(text, detail);
      }
    }
  } finally {
    await app.stop();
  }
});
