import assert from "node:assert/strict";
import fc from "fast-check";
import { serveLive } from "../../services/live/connection.ts";
import { createHub } from "../../services/live/hub.ts";
import { missedSince, readResume, readResumeQuery, whyNot } from "../../services/live/resume.ts";

const clock = { now: () => new Date("2026-01-31T09:30:00Z") };

interface Told {
  type: string;
  data: { n?: number; code?: string };
}

function connect(
  from: string,
  { reached = true, figures = false }: { reached?: boolean; figures?: boolean } = {},
) {
  const hub = createHub({ clock });
  const sent: Told[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const event = (position: number) =>
    hub.emit({
      type: "performance_alert",
      data: JSON.stringify({ n: position }),
      ts: clock.now().toISOString(),
      instance: "another",
      id: crypto.randomUUID(),
      cursor: `${position}-0123abcd`,
    });
  const own = (n: number) => hub.publish("performance_benchmark", { n });
  for (const position of [1, 2, 3]) event(position);
  if (figures) hub.publish("database_performance", { n: 1_000 });
  const connection = serveLive({
    send: (text) => void sent.push(JSON.parse(text)),
    close: () => {},
    bufferedAmount: 0,
    isOpen: true,
  }, {
    hub,
    clock,
    bufferMax: 1024 * 1024,
    version: "test",
    catchUp: () => promise,
    from: reached ? { cursor: from } : undefined,
  });
  return {
    hub,
    event,
    own,
    connection,
    types: () => sent.map(({ type, data }) => data.n ?? data.code ?? type),
    /** The Holdfast has read what others stored. */
    async readOn() {
      resolve();
      await new Promise((done) => setTimeout(done, 0));
    },
  };
}

Deno.test("who goes on from an event that is known gets what came after it, and no latest", () => {
  const { types, event, connection } = connect("2-0123abcd");
  event(4);
  assert.deepEqual(types(), ["hello", 3, 4]);
  connection.end();
});

Deno.test("who comes from another Holdfast gets the figures of this one besides", () => {
  const { types, connection } = connect("2-0123abcd", { figures: true });
  assert.deepEqual(types(), ["hello", 1_000, 3]);
  connection.end();
});

Deno.test("who comes from a Holdfast that is ahead waits until this one has read as far, and gets nothing twice", async () => {
  const { types, event, own, readOn, connection } = connect("5-0123abcd");
  assert.deepEqual(types(), ["hello"]);
  for (const position of [4, 5, 6]) event(position);
  own(100);
  await readOn();
  event(7);
  assert.deepEqual(types(), ["hello", 100, 6, 7]);
  connection.end();
});

Deno.test("who goes on from an event that nobody has is told, and begins anew with the latest", async () => {
  const { types, event, readOn, connection } = connect("9-0123abcd");
  event(4);
  await readOn();
  event(5);
  assert.deepEqual(types(), ["hello", "cannot_resume", 4, 5]);
  connection.end();
});

Deno.test("asked by a frame, what was held back meanwhile follows the refusal; a second resume waits for the first", async () => {
  const { types, event, readOn, connection } = connect("", { reached: false });
  assert.deepEqual(types(), ["hello", 3]);
  connection.receive(JSON.stringify({ action: "resume", cursor: "9-0123abcd" }));
  event(4);
  connection.receive(JSON.stringify({ action: "resume", cursor: "3-0123abcd" }));
  assert.deepEqual(types(), ["hello", 3, "bad_frame"]);
  await readOn();
  assert.deepEqual(types(), ["hello", 3, "bad_frame", "cannot_resume", 4]);
  connection.end();
});

Deno.test("a cursor of the same position and another event is not taken for this one", async () => {
  const { types, readOn, connection } = connect("2-ffffffff");
  await readOn();
  assert.deepEqual(types(), ["hello", "cannot_resume", 3]);
  connection.end();
});

Deno.test("a number that was never sent is not said to be forgotten", () => {
  const { hub, connection } = connect("1-0123abcd");
  assert.equal(whyNot(hub, { seq: 99 }), "99 was never sent; the last is 3");
  assert.match(whyNot(hub, { seq: 1 }), /no longer kept/);
  connection.end();
});

Deno.test("what is no place to go on from is refused with a reason, and never throws", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("seq", "stream", "cursor"), fc.anything()),
      (given) => {
        const read = readResume(given);
        if (typeof read === "string") return assert.match(read, /whole number|text/);
        assert.ok(read.seq !== undefined || read.cursor !== undefined);
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (text) => {
    const read = readResumeQuery(new URLSearchParams({ seq: text }));
    if (typeof read !== "string") assert.equal(String(read?.seq), text);
  }));
  assert.equal(readResumeQuery(new URLSearchParams("other=1")), undefined);
  assert.deepEqual(readResumeQuery(new URLSearchParams("seq=7&stream=a&cursor=1-0123abcd")), {
    seq: 7,
    stream: "a",
    cursor: "1-0123abcd",
  });
});

Deno.test("who has the figures of before and an event of after them gets no event again", () => {
  const { hub, event } = connect("none", { reached: false });
  const at = hub.seq;
  hub.publish("database_performance", { n: 1_000 });
  for (const position of [4, 5, 6]) event(position);
  const missed = (cursor?: string) =>
    missedSince(hub, { seq: at, stream: hub.stream, ...(cursor ? { cursor } : {}) })
      ?.map((message) => message.cursor ?? message.type);
  const all = ["database_performance", "4-0123abcd", "5-0123abcd", "6-0123abcd"];
  assert.deepEqual(missed(), all);
  assert.deepEqual(missed("5-0123abcd"), ["database_performance", "6-0123abcd"]);
  assert.deepEqual(missed("9-0123abcd"), all, "a cursor that is not kept takes nothing away");
});
