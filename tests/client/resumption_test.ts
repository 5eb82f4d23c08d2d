import assert from "node:assert/strict";
import fc from "fast-check";
import { type Frame, LiveState, type Step } from "../../client/resumption.ts";
import { BoundedQueue } from "../../client/queue.ts";

const state = "partition_status";
const event = "performance_alert";

/** The server's side of the channel, as docs/websocket.md has it: numbered messages, of which the last few are kept. */
class ModelServer {
  seq = 0;
  history: Frame[] = [];
  #latest = new Map<string, Frame>();

  constructor(readonly stream: string, readonly kept: number) {}

  publish(type: string): Frame {
    const frame = { type, data: {}, seq: ++this.seq, ts: "" };
    this.history.push(frame);
    if (this.history.length > this.kept) this.history.shift();
    this.#latest.set(type, frame);
    return frame;
  }

  greet(): Frame[] {
    const hello = { type: "hello", data: { stream: this.stream }, seq: this.seq, ts: "" };
    return [hello, ...[...this.#latest.values()].sort((a, b) => a.seq - b.seq)];
  }

  obey(request: Step["send"][number]): Frame[] {
    const answer = (type: string, data: Record<string, unknown>) => [
      { type, data, seq: this.seq, ts: "" },
    ];
    if (request.action === "ping") return answer("pong", {});
    if (request.action === "subscribe") return this.greet().slice(1);
    const oldest = this.history[0]?.seq ?? this.seq + 1;
    const { stream, seq } = request;
    if (stream !== this.stream || seq > this.seq || seq + 1 < oldest) {
      return answer("error", { code: "cannot_resume", message: "gone" });
    }
    return this.history.filter((frame) => frame.seq > seq);
  }
}

type Action = { do: "publish"; type: string } | { do: "read"; frames: number } | {
  do: "drop" | "restart";
};

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      type: fc.constantFrom(state, event),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      frames: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

/** Runs a client against the model over drops and restarts; returns what it handed on, and what was published. */
function play(actions: Action[], kept: number) {
  let server = new ModelServer("s0", kept);
  const published: string[] = [];
  const handed: string[] = [];
  const client = new LiveState({});
  let wire: Frame[] = [];
  let toServer: Step["send"] = [];
  let begun = 0;
  /** How much had been published when the present connection was greeted. */
  let greeted = 0;
  const connect = () => {
    greeted = published.length;
    client.disconnect();
    wire = server.greet();
    toServer = [];
    // What was published before the greeting that a client reads first is not its concern, but for the latest.
    if (!client.position) begun = published.length;
  };
  const read = () => {
    const frame = wire.shift();
    if (!frame) return false;
    const { send, out } = client.receive(frame);
    toServer.push(...send);
    for (const request of toServer.splice(0)) wire.push(...server.obey(request));
    for (const item of out) {
      handed.push(
        item.kind === "gap"
          ? `gap ${item.after?.stream} ${item.after?.seq} ${
            published[greeted - 1]?.replace(/^\w+ /, "")
          }`
          : `${item.frame.type} ${item.stream} ${item.frame.seq}`,
      );
    }
    return true;
  };
  connect();
  for (const one of actions) {
    if (one.do === "publish") {
      const frame = server.publish(one.type);
      published.push(`${frame.type} ${server.stream} ${frame.seq}`);
      wire.push(frame);
    } else if (one.do === "read") { for (let n = 0; n < one.frames; n++) read(); }
    else {
      if (one.do === "restart") {
        server = new ModelServer(`s${Number(server.stream.slice(1)) + 1}`, kept);
      }
      connect();
    }
  }
  while (read());
  return { handed, published: published.slice(begun) };
}

/** A place in time, over all streams. */
const placeOf = (line: string) => {
  const [, stream = "", seq] = line.split(" ");
  return Number(stream.slice(1)) * 1_000_000 + Number(seq);
};

/**
 * Whether a gap stands where the message would have: after what came before it, before what came later, and told over a
 * connection that began later than it was published.
 */
function isToldAsGap(missed: string, handed: string[]): boolean {
  return handed.some((line, at) => {
    if (!line.startsWith("gap")) return false;
    const next = handed.slice(at + 1).find((one) => one.startsWith(event));
    const until = `gap ${line.split(" ").slice(3).join(" ")}`;
    return placeOf(line) < placeOf(missed) && placeOf(missed) <= placeOf(until) &&
      (next === undefined || placeOf(next) > placeOf(missed));
  });
}

Deno.test("over any drops and restarts each event comes once, in order, or a gap is told before the next", () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 80, size: "max" }),
      fc.integer({ min: 1, max: 12 }),
      (actions, kept) => {
        const { handed, published } = play(actions, kept);
        const messages = handed.filter((one) => !one.startsWith("gap"));
        assert.equal(new Set(messages).size, messages.length, "nothing comes twice");
        for (const type of [state, event]) {
          const numbers = messages.filter((one) => one.startsWith(type))
            .map((one) => one.split(" ").slice(1));
          const sorted = numbers.toSorted(([a = "", x], [b = "", y]) =>
            Number(a.slice(1)) - Number(b.slice(1)) || Number(x) - Number(y)
          );
          assert.deepEqual(numbers, sorted, "in order");
        }
        for (const one of published) {
          if (one.startsWith(state) || messages.includes(one)) continue;
          assert.ok(isToldAsGap(one, handed), `${one} is missing from ${handed.join(", ")}`);
        }
        // The newest state is known in any case.
        const newest = published.findLast((one) => one.startsWith(state));
        const restartedSince = newest !== undefined && !messages.includes(newest);
        if (restartedSince) assert.ok(actions.some((one) => one.do === "restart"));
      },
    ),
    { numRuns: 8_000 },
  );
});

Deno.test("what is missed while away comes between what was seen and what is new, and older frames do not jump the queue", () => {
  const server = new ModelServer("s", 100);
  const client = new LiveState({});
  const run = (frames: Frame[]) => {
    const wire = [...frames];
    const out: string[] = [];
    for (let frame = wire.shift(); frame; frame = wire.shift()) {
      const step = client.receive(frame);
      for (const request of step.send) wire.push(...server.obey(request));
      out.push(...step.out.map((one) => one.kind === "gap" ? "gap" : String(one.frame.seq)));
    }
    return out;
  };
  assert.deepEqual(run([...server.greet(), server.publish(event)]), ["1"]);
  client.disconnect();
  for (let n = 0; n < 3; n++) server.publish(event);
  // The latest event, 4, comes with the greeting, before 2 and 3.
  assert.deepEqual(run(server.greet()), ["2", "3", "4"]);
  client.disconnect();
  assert.deepEqual(run(server.greet()), []);
});

Deno.test("only the subscribed types come, and a refusal by the server is told", () => {
  const client = new LiveState({ types: [event] });
  const hello = { type: "hello", data: { stream: "s" }, seq: 3, ts: "" };
  assert.deepEqual(client.receive({ ...hello, type: state }).out, [], "before hello nothing");
  const { send, connected } = client.receive(hello);
  assert.deepEqual([send, connected], [[{ action: "subscribe", types: [event] }], {
    resumed: false,
  }]);
  assert.deepEqual(client.receive({ ...hello, type: state, seq: 4 }).out, []);
  assert.equal(client.receive({ ...hello, type: event, seq: 5 }).out.length, 1);
  assert.deepEqual(client.position, { stream: "s", seq: 5 });
  const error = { ...hello, type: "error", data: { code: "bad_frame", message: "no such type" } };
  assert.equal(client.receive(error).refused, "no such type");
});

Deno.test("a bounded queue hands on in order, asks for room when full, and ends with what ended it", async () => {
  const queue = new BoundedQueue<number>(2, (items) => items.shift());
  const first = queue.pull();
  for (const n of [1, 2, 3, 4]) queue.push(n);
  assert.deepEqual([await first, await queue.pull(), await queue.pull()], [1, 3, 4]);
  const last = queue.pull();
  queue.end(new Error("over"));
  queue.push(5);
  await assert.rejects(last, /over/);
  await assert.rejects(queue.pull(), /over/);
});

Deno.test("at another instance it continues after its last cursor, and skips an event that it has", () => {
  const frame = (seq: number, id: string, cursor?: string): Frame => ({
    ...{ type: event, data: {}, seq, ts: "", id },
    ...(cursor === undefined ? {} : { cursor }),
  });
  const hello = (stream: string, seq: number): Frame => ({
    ...{ type: "hello", data: { stream, cursor: "1-00000000" }, seq, ts: "" },
  });
  const pong: Frame = { type: "pong", data: {}, seq: 0, ts: "" };
  const state = new LiveState({});
  state.receive(hello("one", 7));
  state.receive(frame(8, "a", "2-aaaaaaaa"));
  state.receive(frame(9, "b")); // sent before it was stored
  state.disconnect();
  const [resume] = state.receive(hello("two", 40)).send;
  assert.deepEqual(resume, { action: "resume", stream: "one", seq: 9, cursor: "2-aaaaaaaa" });
  for (const one of [frame(39, "b", "3-bbbbbbbb"), frame(41, "c", "4-cccccccc")]) {
    state.receive(one);
  }
  const { out, connected } = state.receive(pong);
  assert.deepEqual(connected, { resumed: true });
  assert.deepEqual(out.map((one) => one.kind === "message" && one.frame.id), ["c"]);
  assert.deepEqual(state.position, { stream: "two", seq: 41, cursor: "4-cccccccc" });
});

Deno.test("a later process skips what the one before it had, also where it comes as the latest", () => {
  const state = new LiveState({ since: { stream: "one", seq: 8 } });
  const latest: Frame = { type: event, data: {}, seq: 8, ts: "" };
  for (const frame of [{ ...latest, type: "hello", data: { stream: "one" } }, latest]) {
    state.receive(frame);
  }
  const { out } = state.receive({ ...latest, type: "pong" });
  assert.deepEqual(out, []);
  const next = state.receive({ ...latest, seq: 9 });
  assert.deepEqual(next.out.map((one) => one.kind === "message" && one.frame.seq), [9]);
});
