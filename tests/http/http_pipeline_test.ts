// Runs alone: it measures the memory of its isolate.
import assert from "node:assert/strict";
import fc from "fast-check";
import { ExchangeQueue } from "../../runtime/http/exchange.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { eventually } from "../helpers/eventually.ts";

const encoder = new TextEncoder();

/** A server whose first request waits until `release`; all others are answered at once. */
async function withPending(
  use: (port: number, release: () => void, handled: () => number) => Promise<void>,
): Promise<void> {
  const go = Promise.withResolvers<void>();
  let handled = 0;
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    async handle(request) {
      const { pathname } = new URL(request.url);
      if (handled++ === 0) await go.promise;
      return Response.json(Number(pathname.slice(1)));
    },
  });
  try {
    await use(server.port, go.resolve, () => handled);
  } finally {
    go.resolve();
    await server.stop();
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

Deno.test("requests behind a pending one are not read on, and all answered in order after it", async () => {
  const requests = 20_000;
  const padding = "x".repeat(900);
  await withPending(async (port, release, handled) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    let sent = 0;
    const sending = (async () => {
      while (sent < requests) {
        const block = Array.from(
          { length: 10 },
          (_, at) => `GET /${sent + at} HTTP/1.1\r\nhost: a\r\nx: ${padding}\r\n\r\n`,
        );
        await writeAll(connection, encoder.encode(block.join("")));
        sent += block.length;
      }
    })();
    let before = -1;
    await eventually(() => {
      const stopped = sent > 0 && sent === before;
      before = sent;
      return stopped;
    }, "the sender comes to a stop");
    assert.ok(sent < requests * 0.75, `${sent} of ${requests} were taken`);
    assert.equal(handled(), 1, "one request of a connection is worked on at a time");

    release();
    let next = 0;
    let rest = "";
    const buffer = new Uint8Array(64 * 1024);
    while (next < requests) {
      const read = await connection.read(buffer);
      assert.ok(read !== null, `the connection ended after ${next} answers`);
      rest += new TextDecoder().decode(buffer.subarray(0, read));
      const answers = [...rest.matchAll(/\r\n\r\n(\d+)(?=HTTP)/g)];
      for (const [, number] of answers) assert.equal(Number(number), next++);
      const last = answers.at(-1);
      if (last) rest = rest.slice(last.index + last[0].length);
      if (next === requests - 1 && rest.endsWith(`\r\n\r\n${next}`)) break;
    }
    await sending;
    connection.close();
  });
});

Deno.test("a connection on which thousands of requests come in one piece is ended, and its memory freed", async () => {
  await withPending(async (port, _release, handled) => {
    const burst = encoder.encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(50_000));
    // Of this test alone: others run beside it in the same process.
    const held = () => {
      const { heapUsed, external } = Deno.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    for (let round = 0; round < 10; round++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await assert.rejects(async () => {
        await writeAll(connection, burst);
        while (await connection.read(new Uint8Array(1024)) !== null);
        throw new Error("the connection has ended");
      });
      connection.close();
    }
    const grown = Math.round((held() - before) / 1024 / 1024);
    // Half a million requests; held, they would take more than a gigabyte.
    assert.ok(grown < 200, `${grown} MiB more`);
    assert.ok(handled() <= 10 + 10 * 256);
  });
});

Deno.test("a queue of exchanges answers one at a time, in order, within its bounds", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("add", "add", "add", "done"),
          fc.integer({ max: 1, min: 0 }),
          fc.integer({ min: 1, max: 120 }),
        ),
        { maxLength: 30 },
      ),
      (steps) => {
        const inAll = { requests: 0 };
        const begun: number[][] = [[], []];
        const queues = begun.map((list) =>
          new ExchangeQueue<number>(
            { pause() {}, resume() {} },
            inAll,
            (exchange) => list.push(exchange),
          )
        );
        const added: number[][] = [[], []];
        let number = 0;
        for (const [what, which, times] of steps) {
          const queue = queues[which]!;
          for (let time = 0; time < times; time++) {
            if (what === "done") {
              if (queue.current === undefined) break;
              queue.done();
            } else if (queue.add(++number)) added[which]!.push(number);
            assert.ok(queue.waiting <= 256);
            assert.equal(inAll.requests, queues[0]!.waiting + queues[1]!.waiting);
            const list = begun[which]!;
            assert.deepEqual(list, added[which]!.slice(0, list.length));
            assert.equal(
              list.length + queue.waiting,
              added[which]!.length,
              "each is begun or waits",
            );
            assert.ok(queue.waiting === 0 || queue.current === list.at(-1));
          }
        }
        for (const queue of queues) queue.clear();
        assert.equal(inAll.requests, 0);
      },
    ),
    { numRuns: 50 },
  );
});
