import assert from "node:assert/strict";
import fc from "fast-check";
import { createLogger, type LogFields } from "../../log.ts";
import { createHub, type Message } from "../../services/live/hub.ts";
import { createRelay } from "../../services/live/relay.ts";
import {
  createMemoryJournal,
  type MemoryJournal,
  type Trouble,
} from "../helpers/memory_journal.ts";
import { manualTimers } from "../helpers/timers.ts";

const clock = { now: () => new Date("2026-01-31T09:30:00Z") };
const writing = { canWrite: () => true, isWatchOnly: () => false };

interface Told {
  type: string;
  data: { n: number };
  seq: number;
  instance: string;
  id: string;
  cursor?: string;
}

/** One Holdfast's part of the relay, with a client that notes what it is sent. */
function join(
  journal: MemoryJournal,
  instance: string,
  { schema = true, mode = writing }: { schema?: boolean; mode?: typeof writing } = {},
) {
  const time = manualTimers();
  const logs: LogFields[] = [];
  const hub = createHub({ clock, instance });
  const told: Told[] = [];
  let missed = 0;
  hub.subscribe({
    send: ({ text }) => told.push(JSON.parse(text)),
    missed: () => missed++,
  });
  let trouble: Trouble | undefined;
  const relay = createRelay({
    hub,
    journal: journal.connect({ trouble: () => trouble }),
    access: { ...mode, state: () => ({ schema }) as never },
    clock,
    log: createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) }),
    timers: time.timers,
  });
  return {
    hub,
    relay,
    told,
    logs,
    time,
    missed: () => missed,
    numbers: () => told.map(({ data }) => data.n),
    suffer: (what: Trouble | undefined) => trouble = what,
    say: (n: number, digest?: string) =>
      relay.publish(
        "performance_alert",
        { n },
        digest === undefined ? undefined : { topic: "alert", digest },
      ),
  };
}

const positionOf = (cursor: string) => Number(cursor.split("-")[0]);

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("say" as const), who: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("suffer" as const),
      who: fc.nat(2),
      what: fc.constantFrom<(Trouble | undefined)[]>("away", "answer lost", undefined),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      who: fc.nat(2),
      ms: fc.constantFrom(0, 10, 999, 1_000, 6_000),
    }),
  },
);

Deno.test("whatever fails and whenever, every client is told every event once, and places only grow", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const journal = createMemoryJournal();
      const all = ["one", "two", "three"].map((name) => join(journal, name));
      for (const { relay } of all) await relay.start();
      let said = 0;
      for (const one of steps) {
        const who = all[one.who];
        assert.ok(who);
        if (one.do === "say") who.say(++said);
        else if (one.do === "suffer") who.suffer(one.what);
        else await who.time.pass(one.ms);
      }
      for (const one of all) one.suffer(undefined);
      for (let turn = 0; turn < 2; turn++) {
        for (const one of all) {
          await one.relay.catchUp();
          await one.time.pass(0);
        }
      }
      const expected = Array.from({ length: said }, (_, at) => at + 1);
      for (const { numbers, told, relay } of all) {
        assert.deepEqual(numbers().sort((a, b) => a - b), expected);
        const places = told.flatMap(({ cursor }) => cursor ? [positionOf(cursor)] : []);
        assert.deepEqual(places, [...new Set(places)].sort((a, b) => a - b));
        await relay.stop();
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("while all is well every Holdfast sends the same events in the same order, under the same cursors", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  for (let n = 1; n <= 20; n++) (n % 3 === 0 ? two : one).say(n);
  await one.relay.catchUp();
  await two.relay.catchUp();
  await one.relay.catchUp();
  const facts = ({ told }: typeof one) =>
    told.map(({ id, cursor, instance, data }) => [id, cursor, instance, data.n]);
  assert.equal(one.told.length, 20);
  assert.deepEqual(facts(one), facts(two));
  assert.deepEqual(new Set(one.told.map(({ instance }) => instance)), new Set(["one", "two"]));
  assert.equal(one.hub.cursor, two.hub.cursor);
  await one.relay.stop();
  await two.relay.stop();
});

Deno.test("two that say the same of one subject are told once", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  for (const digest of ["fired", "resolved"]) {
    one.say(1, digest);
    await one.relay.catchUp();
    two.say(2, digest);
    await two.relay.catchUp();
    await one.relay.catchUp();
  }
  assert.deepEqual(one.numbers(), [1, 1]);
  assert.deepEqual(two.numbers(), [1, 1]);
  await one.relay.stop();
  await two.relay.stop();
});

Deno.test("with the database away an event goes out here at once, and to others once it is back", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  one.suffer("away");
  one.say(1);
  assert.deepEqual(one.numbers(), [], "it may still get its place");
  await one.time.pass(0);
  assert.deepEqual(one.numbers(), [1], "the database was found away");
  one.say(2);
  assert.deepEqual(one.numbers(), [1, 2], "known to be away: at once");
  one.suffer(undefined);
  await one.time.pass(1_000);
  await two.relay.catchUp();
  assert.deepEqual(two.numbers(), [1, 2]);
  assert.deepEqual(one.numbers(), [1, 2]);
  await one.relay.stop();
  await two.relay.stop();
});

Deno.test("a database that hangs holds an event for a second at most", async () => {
  const journal = createMemoryJournal();
  const one = join(journal, "one");
  await one.relay.start();
  const answers = Promise.withResolvers<void>();
  const hanging = { ...journal.connect(), listen: () => answers.promise.then(() => true) };
  const time = manualTimers();
  const hub = createHub({ clock });
  const told: Message[] = [];
  hub.subscribe({ send: (message) => told.push(message) });
  const relay = createRelay({
    hub,
    journal: hanging,
    access: { ...writing, state: () => ({ schema: true }) as never },
    clock,
    log: createLogger({ level: "error", write: () => {} }),
    timers: time.timers,
  });
  void relay.start();
  relay.publish("performance_alert", { n: 1 });
  await time.pass(999);
  assert.equal(told.length, 0);
  await time.pass(1);
  assert.equal(told.length, 1);
  answers.resolve();
  await time.settled();
  await one.relay.catchUp();
  assert.deepEqual(one.numbers(), [1]);
  assert.equal(told.length, 1, "not again when it is read");
  await relay.stop();
  await one.relay.stop();
});

Deno.test("a long outage drops the oldest states first, and says how many", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  one.suffer("away");
  one.say(0);
  await one.time.pass(0);
  for (let n = 1; n <= 500; n++) one.say(n);
  for (let n = 501; n <= 1_200; n++) one.relay.publish("backup_status", { n });
  assert.equal(one.told.length, 1_201, "its own clients see all");
  one.suffer(undefined);
  await one.time.pass(1_000);
  await two.relay.catchUp();
  const got = two.numbers();
  assert.equal(got.length, 1_000);
  assert.deepEqual(got.filter((n) => n <= 500), Array.from({ length: 501 }, (_, n) => n));
  assert.deepEqual(
    one.logs.filter(({ event }) => event === "live_events_dropped").map(({ dropped }) => dropped),
    [201],
  );
  await one.relay.stop();
  await two.relay.stop();
});

Deno.test("a new start keeps what was before it for those that resume, and sends it to nobody", async () => {
  const journal = createMemoryJournal();
  const one = join(journal, "one");
  await one.relay.start();
  for (let n = 1; n <= 3; n++) one.say(n);
  await one.relay.catchUp();
  const [first] = one.told;
  const later = join(journal, "one");
  assert.equal(later.hub.cursor, undefined);
  await later.relay.start();
  assert.deepEqual(later.told, []);
  assert.equal(later.hub.cursor, one.hub.cursor);
  assert.deepEqual(
    later.hub.after(first?.cursor ?? "")?.map(({ text }) => JSON.parse(text).data.n),
    [2, 3],
  );
  assert.notEqual(later.hub.stream, one.hub.stream);
  await one.relay.stop();
  await later.relay.stop();
});

Deno.test("a database that was restored to an earlier time, or lost by a failover, hides nothing new", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  for (let n = 1; n <= 5; n++) one.say(n);
  await one.relay.catchUp();
  await two.relay.catchUp();
  journal.goBackTo(3);
  for (let n = 6; n <= 9; n++) two.say(n);
  await two.relay.catchUp();
  await one.relay.catchUp();
  assert.deepEqual(one.numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(two.numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const lost = one.told.find(({ data }) => data.n === 5)?.cursor ?? "";
  assert.ok(one.hub.after(lost), "this one remembers what was sent");
  assert.equal(one.missed(), 0);
  const fresh = join(journal, "three");
  await fresh.relay.start();
  assert.equal(fresh.hub.after(lost), undefined, "another says that it cannot");
  for (const { relay } of [one, two, fresh]) await relay.stop();
});

Deno.test("who was away for longer than events are kept says so to its clients", async () => {
  const journal = createMemoryJournal();
  const [one, two] = [join(journal, "one"), join(journal, "two")];
  await one.relay.start();
  await two.relay.start();
  one.say(1);
  await one.relay.catchUp();
  await two.relay.catchUp();
  const cursor = two.hub.cursor ?? "";
  two.suffer("away");
  for (let n = 2; n <= 5_000; n++) {
    one.say(n);
    if (n % 500 === 0) await one.relay.catchUp();
  }
  await journal.connect().prune(4_000);
  two.suffer(undefined);
  await two.relay.catchUp();
  assert.equal(two.missed(), 1);
  assert.equal(two.hub.after(cursor), undefined, "nobody goes on from before the gap");
  assert.equal(two.numbers().at(-1), 5_000);
  for (const { relay } of [one, two]) await relay.stop();
});

Deno.test("a watcher of a standby reads what the primary's Holdfasts tell, and stores nothing", async () => {
  const journal = createMemoryJournal();
  const one = join(journal, "one");
  const standby = { canWrite: () => false, isWatchOnly: () => true };
  const watcher = join(journal, "watcher", { mode: standby });
  const blind = join(journal, "blind", { mode: standby, schema: false });
  for (const { relay } of [one, watcher, blind]) await relay.start();
  one.say(1);
  await one.relay.catchUp();
  watcher.say(2);
  blind.say(3);
  await watcher.time.pass(1_000);
  await blind.time.pass(1_000);
  assert.deepEqual(watcher.numbers(), [2, 1]);
  assert.deepEqual(blind.numbers(), [3], "without a schema there is nothing to ask for");
  assert.equal(journal.rows.length, 1);
  for (const { relay } of [one, watcher, blind]) await relay.stop();
});

Deno.test("each Holdfast's own figures go to its own clients alone, and so does what is too large", async () => {
  const journal = createMemoryJournal();
  const one = join(journal, "one");
  await one.relay.start();
  one.relay.publish("database_performance", { n: 1 });
  one.relay.publish("partition_status", { n: 2, text: "x".repeat(300_000) });
  await one.relay.catchUp();
  assert.deepEqual(one.numbers(), [1, 2]);
  assert.equal(journal.rows.length, 0);
  await one.relay.stop();
});
