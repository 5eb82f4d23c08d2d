import assert from "node:assert/strict";
import { messageTypes } from "../../services/live/hub.ts";
import { createFrameCheck } from "../helpers/live_document.ts";

const check = createFrameCheck();
const hello = {
  type: "hello",
  data: {
    version: "1",
    types: ["performance_alert"],
    seq: 3,
    stream: crypto.randomUUID(),
    instance: "one",
  },
  seq: 3,
  ts: "2026-01-31T09:30:00.000Z",
};

Deno.test("asyncapi.yaml has a message for each type there is, and no other", () => {
  assert.deepEqual(
    [...check.types].sort(),
    [...messageTypes, "hello", "pong", "error"].sort(),
  );
});

Deno.test("the check of frames finds what is missing, wrong or too much", () => {
  assert.deepEqual(check.ofServer(hello), []);
  const wrong = [
    { ...hello, data: { ...hello.data, stream: undefined } },
    { ...hello, seq: "3" },
    { ...hello, ts: "yesterday" },
    { ...hello, more: 1 },
    { ...hello, type: "gossip" },
    { ...hello, type: "performance_alert", data: { change: "fired" } },
    { ...hello, type: "error", data: { code: "unheard_of", message: "" } },
  ];
  for (const frame of wrong) assert.notDeepEqual(check.ofServer(frame), [], JSON.stringify(frame));
});

Deno.test("what a client may send is described too", () => {
  const cursor = "12-0123abcd";
  for (
    const frame of [
      { action: "ping" },
      { action: "subscribe", types: ["performance_alert"] },
      { action: "resume", seq: 0, stream: "x" },
      { action: "resume", cursor },
    ]
  ) assert.deepEqual(check.ofClient(frame), []);
  for (
    const frame of [
      {},
      { action: "shout" },
      { action: "resume", cursor: "12" },
      { action: "unsubscribe", types: ["gossip"] },
    ]
  ) assert.notDeepEqual(check.ofClient(frame), []);
});
