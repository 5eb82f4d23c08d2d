import assert from "node:assert/strict";
import { liveRoutes } from "../../routes/live/live.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import { systemClock } from "../../lib/clock.ts";
import { createHub } from "../../services/live/hub.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginRequest } from "../helpers/raw_request.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const handshake = (changes: Record<string, string | null> = {}) => {
  const headers = {
    host: "127.0.0.1",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET /ws HTTP/1.1\r\n${lines.join("")}\r\n`;
};

/** A masked text frame of at most 125 bytes, as a client sends it; the mask is zero. */
function textFrame(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return Uint8Array.of(0x81, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes);
}

Deno.test("each live connection is one Deno.upgradeWebSocket, and ends with its socket", async () => {
  const original = Deno.upgradeWebSocket;
  let calls = 0;
  Object.assign(Deno, {
    upgradeWebSocket: (...given: Parameters<typeof original>) => {
      calls++;
      return original(...given);
    },
  });
  try {
    const open = () =>
      new Promise<WebSocket>((resolve) => {
        const socket = new WebSocket(`${app.url.replace(/^http/, "ws")}/ws`);
        socket.onopen = () => resolve(socket);
      });
    const sockets = await Promise.all(Array.from({ length: 20 }, open));
    assert.equal(calls, 20);
    await eventually(
      async () => (await (await app.request("/metrics")).text()).includes("clients 20"),
      "twenty clients are counted",
    );
    for (const socket of sockets) socket.close();
    await eventually(
      async () => (await (await app.request("/metrics")).text()).includes("clients 0"),
      "none is left",
    );
  } finally {
    Object.assign(Deno, { upgradeWebSocket: original });
  }
});

Deno.test("what serve loads on Deno holds no library of WebSockets", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../main.ts", import.meta.url).pathname],
  }).output();
  const graph: { modules: { specifier: string; npmPackage?: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  assert.ok(graph.modules.length > 100);
  const packages = graph.modules.map(({ specifier, npmPackage }) => npmPackage ?? specifier);
  assert.deepEqual(packages.filter((name) => /^(npm:\/?)?(ws|uws|faye-websocket)@/.test(name)), []);
});

Deno.test("a handshake that is none is refused with its reason, and the connection is closed", async () => {
  const wrong: [Record<string, string | null>, RegExp][] = [
    [{ "sec-websocket-key": null }, /Sec-WebSocket-Key must be 16 bytes in base64/],
    [{ "sec-websocket-key": "short" }, /Sec-WebSocket-Key/],
    [{ "sec-websocket-version": "8" }, /Sec-WebSocket-Version must be 13/],
  ];
  for (const [headers, reason] of wrong) {
    const text = await (await beginRequest(app.url, handshake(headers))).answer;
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.match(text, reason);
  }
});

Deno.test("a first frame is answered whether it comes with the handshake or after it", async () => {
  for (const delayMs of [0, 10, 100]) {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(app.url).port),
    });
    try {
      const head = new TextEncoder().encode(handshake());
      const frame = textFrame('{"action":"ping"}');
      if (delayMs === 0) await connection.write(Uint8Array.of(...head, ...frame));
      else {
        await connection.write(head);
        await new Promise((done) => setTimeout(done, delayMs)); // when it is sent is what is tried
        await connection.write(frame);
      }
      let text = "";
      const buffer = new Uint8Array(64 * 1024);
      while (!text.includes('"pong"')) {
        const read = await connection.read(buffer);
        assert.ok(read !== null, `closed after ${text.slice(0, 200)}`);
        text += new TextDecoder().decode(buffer.subarray(0, read));
      }
      assert.match(text, /^HTTP\/1\.1 101 /);
      assert.ok(text.indexOf('"hello"') < text.indexOf('"pong"'));
    } finally {
      connection.close();
    }
  }
});

Deno.test("a client that never reads is closed, counted until it is gone, and cut off", async () => {
  const hub = createHub({ clock: systemClock });
  const live = liveRoutes({
    hub,
    auth: { watch: () => () => {} },
    clock: systemClock,
    upgrade,
    clientsMax: 10,
    bufferMax: 1024 * 1024,
    version: "test",
  });
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handle: (request) => live.router.fetch(request),
  });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  try {
    await connection.write(new TextEncoder().encode(handshake()));
    await eventually(() => hub.subscribers === 1, "it is connected");
    // More than its buffer and those of the sockets may hold.
    const data = { text: "x".repeat(64 * 1024) };
    for (let sent = 0; sent < 300; sent++) hub.publish("performance_alert", data);
    assert.equal(hub.subscribers, 0, "nothing more is sent to it");
    assert.equal(live.clients(), 1, "it counts as long as it is there");
    await eventually(() => live.clients() === 0, "it is cut off", 20_000);
  } finally {
    connection.close();
    await server.stop();
  }
});
