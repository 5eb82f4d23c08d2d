// Runs alone: it changes a global of its isolate.
import assert from "node:assert/strict";

/** The options of `Bun.serve` that concern sockets. */
interface Served {
  fetch(request: Request, server: object): Promise<Response | undefined>;
  websocket: { open(socket: object): void; close(socket: object): void };
}

Deno.test("a socket on Bun has the bytes that its client has not taken, and its state", async () => {
  const global = globalThis as { Bun?: unknown };
  let served: Served | undefined;
  global.Bun = {
    serve(options: Served) {
      served = options;
      return { port: 1, stop: () => Promise.resolve() };
    },
  };
  try {
    const { createBunRuntime, upgrade } = await import("../../runtime/bun.ts");
    let socket: WebSocket | undefined;
    await createBunRuntime().serve({
      host: "127.0.0.1",
      port: 0,
      handle(request) {
        const upgraded = upgrade(request);
        socket = upgraded.socket;
        return Promise.resolve(upgraded.response);
      },
    });
    let data: unknown;
    const server = {
      requestIP: () => null,
      upgrade(_: Request, options: { data: unknown }) {
        data = options.data;
        return true;
      },
    };
    assert.ok(served);
    assert.equal(await served.fetch(new Request("http://localhost/ws"), server), undefined);
    assert.ok(socket);
    assert.equal(socket.readyState, WebSocket.CONNECTING);
    assert.equal(socket.bufferedAmount, 0);
    let unsent = 0;
    const raw = { data, send: () => 1, close() {}, getBufferedAmount: () => unsent };
    served.websocket.open(raw);
    assert.equal(socket.readyState, WebSocket.OPEN);
    unsent = 70_000;
    assert.equal(socket.bufferedAmount, 70_000);
    served.websocket.close(raw);
    assert.equal(socket.readyState, WebSocket.CLOSED);
  } finally {
    delete global.Bun;
  }
});
