import assert from "node:assert/strict";
import { serveHttp } from "../../runtime/http/serve.ts";
import type { SourcedRequest } from "../../runtime/types.ts";
import { eventually } from "../helpers/eventually.ts";

const encoder = new TextEncoder();

async function withServer(
  handle: (request: Request) => Response | Promise<Response>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const listener = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    headers: { "x-usual": "yes", "cache-control": "no-store" },
    handle,
  });
  try {
    await use(listener.port);
  } finally {
    await listener.stop();
  }
}

async function connect(port: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let text = "";
  const buffer = new Uint8Array(16 * 1024);
  return {
    connection,
    async write(data: string) {
      const bytes = encoder.encode(data);
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    /** Reads until the text has what is looked for, or the end. */
    async until(part: string): Promise<string> {
      while (!text.includes(part)) {
        const read = await connection.read(buffer);
        if (read === null) break;
        text += new TextDecoder().decode(buffer.subarray(0, read));
      }
      return text;
    },
    close: () => connection.close(),
  };
}

Deno.test("a body in small chunks is read from the connection no faster than it is taken", async () => {
  const go = Promise.withResolvers<void>();
  const chunk = `64\r\n${"x".repeat(100)}\r\n`.repeat(500); // 53 KB
  let taken = 0;
  await withServer(async (request) => {
    const source = (request as SourcedRequest).source();
    taken += (await source.next())?.length ?? 0;
    await go.promise;
    for (let piece = await source.next(); piece; piece = await source.next()) taken += piece.length;
    return Response.json({ taken });
  }, async (port) => {
    const client = await connect(port);
    await client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let sent = 0;
    const blocks = 1_000; // 53 MB: more than the buffers of two sockets
    const sending = (async () => {
      for (; sent < blocks; sent++) await client.write(chunk);
      await client.write("0\r\n\r\n");
    })();
    // The sender comes to a stop: what it sent stays the same for a while.
    let before = -1;
    await eventually(() => {
      const stopped = sent > 0 && sent === before;
      before = sent;
      return stopped;
    }, "the sender comes to a stop");
    assert.ok(sent < blocks / 2, `${sent} of ${blocks} blocks were taken by nobody`);
    go.resolve();
    await sending;
    assert.match(await client.until("}"), /"taken":50000000/);
    client.close();
  });
});

Deno.test("chunks that wait are handed on together, so that tiny ones cost little", async () => {
  const bytes = 20_000;
  await withServer(async (request) => {
    const source = (request as SourcedRequest).source();
    let pieces = 0;
    let text = "";
    const decoder = new TextDecoder();
    for (let piece = await source.next(); piece; piece = await source.next()) {
      pieces++;
      text += decoder.decode(piece, { stream: true });
      await new Promise((done) => setTimeout(done)); // meanwhile more of them come
    }
    return Response.json({ pieces, whole: text === "0123456789".repeat(bytes / 10) });
  }, async (port) => {
    const client = await connect(port);
    const body = [..."0123456789".repeat(bytes / 10)].map((byte) => `1\r\n${byte}\r\n`).join("");
    await client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    await client.write(`${body}0\r\n\r\n`);
    const [, pieces, whole] = /"pieces":(\d+),"whole":(\w+)/.exec(await client.until("}")) ?? [];
    assert.equal(whole, "true");
    assert.ok(Number(pieces) < bytes / 10, `${pieces} pieces`);
    client.close();
  });
});

Deno.test("a body that breaks off is an error, not an end", async () => {
  const outcome = Promise.withResolvers<string>();
  await withServer(async (request) => {
    await request.text().then(() => outcome.resolve("an end"), () => outcome.resolve("an error"));
    return new Response(null);
  }, async (port) => {
    const client = await connect(port);
    await client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf of it");
    client.close();
    assert.equal(await outcome.promise, "an error");
  });
});

Deno.test("a sender that is refused before its body's end can read why", async () => {
  await withServer(() => new Response("no", { status: 413 }), async (port) => {
    const client = await connect(port);
    await client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
    await client.write("x".repeat(300_000));
    const text = await client.until("\r\n\r\nno");
    assert.match(text, /^HTTP\/1\.1 413 /);
    assert.match(text, /connection: close/i);
    client.close();
  });
});

Deno.test("the usual headers are on every answer, unless it has its own", async () => {
  await withServer(
    (request) =>
      new Response(null, { headers: { "cache-control": new URL(request.url).pathname } }),
    async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/mine`);
      assert.equal(response.headers.get("x-usual"), "yes");
      assert.equal(response.headers.get("cache-control"), "/mine");
    },
  );
});

Deno.test("requests sent one behind the other on a connection are answered in their order", async () => {
  await withServer((request) => Response.json(new URL(request.url).pathname), async (port) => {
    const client = await connect(port);
    await client.write(
      ["/one", "/two", "/three"].map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""),
    );
    const text = await client.until('"/three"');
    assert.deepEqual(text.match(/"\/\w+"/g), ['"/one"', '"/two"', '"/three"']);
    client.close();
  });
});

Deno.test("a client that waits to be told to go on is told", async () => {
  await withServer(async (request) => new Response(await request.text()), async (port) => {
    const client = await connect(port);
    await client.write(
      "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
    );
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 100 /);
    await client.write("hello");
    assert.match(await client.until("hello"), /HTTP\/1\.1 200 /);
    client.close();
  });
});

const odd: [string, string, RegExp][] = [
  ["a host that is none", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["no HTTP", "hello\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["TRACE", "TRACE / HTTP/1.1\r\nhost: a\r\n\r\n", /^HTTP\/1\.1 405 /],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    /^HTTP\/1\.1 400 /,
  ],
  [
    "an upgrade to HTTP/2 is not taken up, the request is",
    "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n",
    /^HTTP\/1\.1 200 /,
  ],
];
for (const [name, request, expected] of odd) {
  Deno.test(`odd requests: ${name}`, async () => {
    await withServer(() => new Response(null), async (port) => {
      const client = await connect(port);
      await client.write(request);
      assert.match(await client.until("\r\n\r\n"), expected);
      client.close();
    });
  });
}

Deno.test("a stop waits for the answer under way, and ends connections that are kept open", async () => {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const listener = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handle: async () => {
      asked.resolve();
      await go.promise;
      return Response.json("done");
    },
  });
  const idle = await connect(listener.port);
  const client = await connect(listener.port);
  await client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await asked.promise;
  const stopped = listener.stop();
  go.resolve();
  assert.match(await client.until('"done"'), /"done"/);
  await stopped;
  client.close();
  idle.close();
});
