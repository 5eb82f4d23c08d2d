import assert from "node:assert/strict";
import { createHub } from "../../services/live/hub.ts";
import { serveLive } from "../../services/live/connection.ts";
import { eventually } from "../helpers/eventually.ts";

const clock = { now: () => new Date("2026-01-31T09:30:00Z") };
const bufferMax = 64 * 1024;

/** A socket whose reader takes nothing until told to. */
function createStalledSocket() {
  const sent: string[] = [];
  const socket = {
    bufferedAmount: 0,
    isOpen: true,
    closed: undefined as number | undefined,
    send(text: string) {
      sent.push(text);
      socket.bufferedAmount += text.length;
    },
    close(code: number) {
      socket.closed = code;
      socket.isOpen = false;
    },
    read() {
      socket.bufferedAmount = 0;
    },
  };
  return { socket, sent, types: () => sent.map((text) => JSON.parse(text).type) };
}

function connect() {
  const hub = createHub({ clock });
  const stalled = createStalledSocket();
  const connection = serveLive(stalled.socket, { hub, clock, bufferMax, version: "test" });
  return { hub, connection, ...stalled };
}

const state = (at: number) => ({ at, padding: "x".repeat(2_000) });

Deno.test("states for a slow client are conflated: it gets the newest once it reads again", async () => {
  const { hub, connection, socket, sent } = connect();
  for (let at = 1; at <= 10_000; at++) {
    hub.publish("database_performance", state(at));
    hub.publish("partition_status", state(at));
  }
  assert.ok(socket.bufferedAmount < bufferMax, "memory stays bounded");
  assert.equal(socket.closed, undefined);
  const before = sent.length;
  socket.read();
  await eventually(() => sent.length >= before + 2, "the newest come");
  const newest = sent.slice(before).map((text) => JSON.parse(text));
  assert.deepEqual(newest.map(({ type, data }) => [type, data.at]), [
    ["database_performance", 10_000],
    ["partition_status", 10_000],
  ]);
  connection.end();
});

Deno.test("alerts are never skipped; past the limit the slow client is closed with 1013", () => {
  const { hub, socket, types } = connect();
  let alerts = 0;
  while (socket.closed === undefined && alerts < 1_000) {
    hub.publish("performance_alert", state(++alerts));
  }
  assert.equal(socket.closed, 1013);
  assert.equal(types().filter((type) => type === "performance_alert").length, alerts - 1);
  assert.ok(socket.bufferedAmount < bufferMax + 3_000);
  const count = types().length;
  hub.publish("performance_alert", state(0));
  assert.equal(types().length, count, "nothing is sent after the end");
});

Deno.test("what a benchmark found is an event too: a slow client gets each, and of its progress the newest", () => {
  const { hub, connection, sent } = connect();
  while (sent.length < 12) hub.publish("performance_alert", state(0));
  const before = sent.length;
  for (let at = 1; at <= 5; at++) {
    hub.publish("performance_benchmark", { state: "progress", at });
    hub.publish("performance_benchmark", { state: "result", at });
  }
  const told = sent.slice(before).map((text) => JSON.parse(text).data);
  assert.deepEqual(
    told.map(({ state, at }) => [state, at]),
    [1, 2, 3, 4, 5].map((at) => ["result", at]),
  );
  connection.end();
});

Deno.test("a state kept for a slow client comes before a later alert, so that a resume after that lacks nothing", () => {
  const { hub, connection, sent } = connect();
  while (sent.length < 12) hub.publish("performance_alert", state(0));
  const before = sent.length;
  hub.publish("partition_status", { at: 1 });
  hub.publish("backup_status", { at: 2 });
  hub.publish("partition_status", { at: 3 });
  hub.publish("performance_alert", { at: 4 });
  const told = sent.slice(before).map((text) => JSON.parse(text));
  assert.deepEqual(told.map(({ data }) => data.at), [2, 3, 4]);
  assert.deepEqual(hub.since(told.at(-1).seq), []);
  connection.end();
});

Deno.test("a slow client slows no other", () => {
  const hub = createHub({ clock });
  const slow = createStalledSocket();
  const quick = createStalledSocket();
  const options = { hub, clock, bufferMax, version: "test" };
  const ends = [serveLive(slow.socket, options), serveLive(quick.socket, options)];
  for (let at = 1; at <= 500; at++) {
    hub.publish("database_performance", state(at));
    quick.socket.read();
  }
  assert.equal(quick.types().filter((type) => type === "database_performance").length, 500);
  for (const connection of ends) connection.end();
});

Deno.test("every client gets the same text: a message is serialised once", () => {
  const hub = createHub({ clock });
  const seen: string[] = [];
  for (let client = 0; client < 3; client++) hub.subscribe({ send: ({ text }) => seen.push(text) });
  let serialised = 0;
  hub.publish("performance_alert", { toJSON: () => ++serialised });
  assert.equal(serialised, 1);
  assert.equal(new Set(seen).size, 1);
  assert.equal(seen.length, 3);
});

Deno.test("more is missed than is kept: resume says so", () => {
  const { hub, connection, socket, sent } = connect();
  for (let at = 1; at <= 600; at++) {
    hub.publish("performance_alert", at);
    socket.read(); // it is quick, and was away
  }
  connection.receive(JSON.stringify({ action: "resume", seq: 3 }));
  assert.equal(JSON.parse(sent.at(-1)!).data.code, "cannot_resume");
  const before = sent.length;
  connection.receive(JSON.stringify({ action: "resume", seq: 590 }));
  assert.deepEqual(sent.slice(before).map((text) => JSON.parse(text).seq), [
    ...Array.from({ length: 10 }, (_, at) => 591 + at),
  ]);
  connection.end();
});
