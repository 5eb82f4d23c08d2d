import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import { createAdmission } from "../../services/live/admission.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectLive } from "../helpers/live.ts";
import { eventually } from "../helpers/eventually.ts";

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    return [error.code, error.retryAfterSeconds];
  }
  return undefined;
};

Deno.test("so many clients are let in, in all and from each address, and each that leaves makes room once", () => {
  const admission = createAdmission({ max: 5, perAddressMax: 2 });
  const leave = admission.enter("192.0.2.1");
  admission.enter("192.0.2.1");
  assert.deepEqual(codeOf(() => admission.enter("192.0.2.1")), ["rate_limited", 10]);
  admission.enter("192.0.2.2");
  leave();
  leave();
  assert.equal(admission.count, 2);
  admission.enter("192.0.2.1");
  assert.deepEqual(codeOf(() => admission.enter("192.0.2.1")), ["rate_limited", 10]);
  admission.enter("192.0.2.3");
  admission.enter("192.0.2.4");
  assert.deepEqual(codeOf(() => admission.enter("192.0.2.5")), ["overloaded", 10]);
});

Deno.test("clients of this machine, and of a proxy on it, are limited in all alone", () => {
  const admission = createAdmission({ max: 9, perAddressMax: 1 });
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
    for (let n = 0; n < 3; n++) admission.enter(address);
  }
  assert.deepEqual(codeOf(() => admission.enter("127.0.0.1")), ["overloaded", 10]);
});

Deno.test("one client too many is refused before it is upgraded, with 503, Retry-After and a problem", async () => {
  const app: TestApp = await startApp({ HOLDFAST_WS_CLIENTS_MAX: "2" });
  const knock = async () =>
    await app.request("/ws", {
      headers: { upgrade: "websocket", connection: "upgrade" },
    });
  try {
    const clients = await Promise.all([connectLive(app.url), connectLive(app.url)]);
    const refused = await knock();
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "10");
    assert.equal((await refused.json()).code, "overloaded");
    await clients[0]?.close();
    await eventually(async () => {
      const again = await connectLive(app.url).catch(() => undefined);
      await again?.close();
      return again !== undefined;
    }, "who leaves makes room");
    await clients[1]?.close();
  } finally {
    await app.stop();
  }
});

Deno.test("no compression is agreed on, whatever a client offers", async () => {
  const app = await startApp();
  const { hostname, port } = new URL(app.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  try {
    const lines = [
      "GET /ws HTTP/1.1",
      `host: ${hostname}:${port}`,
      "connection: Upgrade",
      "upgrade: websocket",
      "sec-websocket-version: 13",
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
    ];
    await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    const buffer = new Uint8Array(4_096);
    const read = await connection.read(buffer) ?? 0;
    const [head = ""] = new TextDecoder().decode(buffer.subarray(0, read)).split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(head, /sec-websocket-extensions/i);
  } finally {
    connection.close();
    await app.stop();
  }
});
