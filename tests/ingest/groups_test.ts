import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { createGroupCommit, type SmallUpload } from "../../services/ingest/write/group_commit.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { type Answer, bodyOf, countTicks, readTicks, tick, types } from "../helpers/ticks.ts";

const upload = (rows: number, key?: string): SmallUpload => ({
  batch: { ticks: [], refusals: [] },
  rows,
  create: false,
  backfill: false,
  key,
  fingerprint: () => "",
});
const answerOf = ({ rows }: SmallUpload): Answer => ({
  accepted: rows,
  quarantined: 0,
  replayed: false,
});
const nextTick = () => new Promise<void>((done) => setTimeout(done, 0));

/** A store whose groups end on demand. */
function heldStore() {
  const groups: { uploads: readonly SmallUpload[]; end(error?: Error): void }[] = [];
  return {
    groups,
    store: (uploads: readonly SmallUpload[]) =>
      new Promise<(Answer | HoldfastError)[]>((resolve, reject) => {
        groups.push({
          uploads,
          end: (error) => error ? reject(error) : resolve(uploads.map(answerOf)),
        });
      }),
  };
}

const bounds = { lanes: 1, rowsMax: 1_000, uploadsMax: 100, waitMs: 1_000 };

Deno.test("a single upload is written at once", () => {
  const { groups, store } = heldStore();
  const { submit, stats } = createGroupCommit({ ...bounds, store });
  submit(upload(5));
  assert.deepEqual(groups.map(({ uploads }) => uploads.length), [1]);
  assert.deepEqual(stats(), { active: 1, waiting: 0 });
  groups[0]?.end();
});

Deno.test("uploads that arrive while every lane writes are written together, in order", async () => {
  const { groups, store } = heldStore();
  const { submit } = createGroupCommit({ ...bounds, store });
  const answers = [1, 2, 3, 4].map((rows) => submit(upload(rows)));
  assert.equal(groups.length, 1);
  groups[0]?.end();
  await answers[0];
  await nextTick();
  assert.deepEqual(groups[1]?.uploads.map(({ rows }) => rows), [2, 3, 4]);
  groups[1]?.end();
  assert.deepEqual((await Promise.all(answers)).map(({ accepted }) => accepted), [1, 2, 3, 4]);
});

Deno.test("each upload is in one group, groups keep their bounds, whatever comes when", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ rows: fc.integer({ min: 0, max: 1_500 }), pause: fc.boolean() }), {
        minLength: 1,
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 3 }),
      async (uploads, lanes) => {
        let active = 0;
        let most = 0;
        const written: SmallUpload[] = [];
        const { submit } = createGroupCommit({
          ...bounds,
          lanes,
          uploadsMax: 10,
          waitMs: 60_000,
          async store(group) {
            most = Math.max(most, ++active);
            assert.ok(group.length > 0 && group.length <= 10);
            const rows = group.reduce((sum, one) => sum + one.rows, 0);
            assert.ok(group.length === 1 || rows <= bounds.rowsMax);
            written.push(...group);
            await nextTick();
            active--;
            return group.map(answerOf);
          },
        });
        const sent: SmallUpload[] = [];
        const answers: Promise<Answer>[] = [];
        for (const { rows, pause } of uploads) {
          sent.push(upload(rows));
          answers.push(submit(sent.at(-1)!));
          if (pause) await nextTick();
        }
        const accepted = (await Promise.all(answers)).map((answer) => answer.accepted);
        assert.deepEqual(accepted, sent.map(({ rows }) => rows));
        assert.deepEqual(written, sent);
        assert.ok(most <= lanes);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("a failed group rejects each of its uploads and no other", async () => {
  const { groups, store } = heldStore();
  const { submit } = createGroupCommit({ ...bounds, store });
  const answers = [1, 2, 3].map((rows) => submit(upload(rows)).catch((error) => error.message));
  groups[0]?.end();
  await answers[0];
  await nextTick();
  groups[1]?.end(new Error("no"));
  assert.deepEqual(await Promise.all(answers.slice(1)), ["no", "no"]);
  const after = submit(upload(7));
  await new Promise<void>((done) => {
    const wait = setInterval(() => groups[2] && (clearInterval(wait), done()), 1);
  });
  groups[2]?.end();
  assert.equal((await after).accepted, 7);
});

Deno.test("an upload that gets no lane in time is refused with `overloaded`", async () => {
  const { groups, store } = heldStore();
  let clock = 0;
  const { submit } = createGroupCommit({ ...bounds, store, now: () => clock });
  const first = submit(upload(1));
  const late = submit(upload(2)).catch((error: HoldfastError) => error.code);
  clock = 1_500;
  groups[0]?.end();
  await first;
  assert.equal(await late, "overloaded");
});

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_INGEST_GROUP_LANES: "1" });
});
Deno.test.afterAll(() => app.stop());

const ts = new Date(Date.now() - 60_000).toISOString();
const post = async (body: string, key?: string): Promise<{ status: number; answer: Answer }> => {
  const response = await app.post("/api/ticks?create=true", body, {
    "content-type": types.ndjson,
    ...(key === undefined ? {} : { "idempotency-key": key }),
  });
  return { status: response.status, answer: await response.json() };
};
const lines = (symbol: string, rows: number, from = 0) =>
  bodyOf(
    "ndjson",
    Array.from({ length: rows }, (_, at) => tick({ ts, symbol, price: from + at })),
  );

async function commits(): Promise<number> {
  const [row] = await app.sql<{ count: number }[]>`
    select count(distinct xmin::text)::int4 as count from market.ticks`;
  return row?.count ?? 0;
}

Deno.test("64 senders share commits, and each gets its own answer", async () => {
  const before = await commits();
  const sent = Array.from({ length: 64 }, (_, at) => ({ symbol: `G${at % 5}`, rows: 1 + at % 40 }));
  const answers = await Promise.all(
    sent.map(({ symbol, rows }) => post(lines(symbol, rows))),
  );
  assert.deepEqual(
    answers.map(({ status, answer }) => [status, answer]),
    sent.map(({ rows }) => [200, { accepted: rows, quarantined: 0, replayed: false }]),
  );
  const total = sent.reduce((sum, { rows }) => sum + rows, 0);
  assert.equal(await countTicks(app), total);
  assert.ok(await commits() - before < 32, "64 uploads took as many commits");
});

Deno.test("a fault of one upload in a group is answered to that upload alone", async () => {
  const stale = bodyOf("ndjson", [tick({ ts: "2001-01-01T00:00:00Z", symbol: "MIXED" })]);
  const bodies = [
    lines("MIXED", 3),
    "{nonsense\n",
    stale,
    lines("MIXED", 2) + "{nonsense\n",
    lines("MIXED", 1),
  ];
  const answers = await Promise.all(bodies.map((body) => post(body)));
  assert.deepEqual(answers.map(({ status }) => status), [200, 400, 200, 200, 200]);
  assert.deepEqual(
    answers.map(({ answer }) => [answer.accepted, answer.quarantined, answer.errors?.[0]?.line]),
    [
      [3, 0, undefined],
      [undefined, undefined, 1],
      [0, 1, 1],
      [2, 1, 3],
      [1, 0, undefined],
    ],
  );
  assert.equal(await countTicks(app, "MIXED"), 6);
});

Deno.test("replays, reused keys and new keys in one group each get their own answer", async () => {
  assert.equal((await post(lines("KEYED", 4), "known")).answer.accepted, 4);
  const answers = await Promise.all([
    post(lines("KEYED", 4), "known"),
    post(lines("KEYED", 5), "known"),
    post(lines("KEYED", 6), "fresh"),
    post(lines("KEYED", 6), "fresh"),
    post(lines("KEYED", 7)),
  ]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 422, 200, 200, 200]);
  assert.deepEqual(answers.map(({ answer }) => answer.replayed).filter((one) => one).length, 2);
  assert.equal(await countTicks(app, "KEYED"), 4 + 6 + 7);
});

Deno.test("a group that the database refuses is written again, each upload alone", async () => {
  await post(lines("POISON", 1) + lines("SOUND", 1));
  await app.sql.unsafe(`
    create function market.no_poison() returns trigger language plpgsql as $$
    begin
      if new.price = 666 then raise exception 'no poison'; end if;
      return new;
    end $$;
    create trigger no_poison before insert on market.ticks
    for each row execute function market.no_poison();`);
  try {
    const answers = await Promise.all([
      post(lines("SOUND", 3)),
      post(lines("SOUND", 2, 10)),
      post(lines("POISON", 1, 666)),
      post(lines("SOUND", 4, 20)),
    ]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 500, 200]);
    assert.equal(await countTicks(app, "SOUND"), 1 + 3 + 2 + 4);
    assert.equal(await countTicks(app, "POISON"), 1);
  } finally {
    await app.sql.unsafe("drop function market.no_poison() cascade");
  }
});

Deno.test("one sender's uploads keep their order of arrival, however they are grouped", async () => {
  const crowd = Array.from({ length: 20 }, async (_, sender) => {
    for (let at = 0; at < 10; at++) await post(lines(`ORDER${sender}`, 3, at * 3));
  });
  await Promise.all(crowd);
  for (const sender of [0, 7, 19]) {
    const prices = (await readTicks(app, `ORDER${sender}`)).map(({ price }) => price);
    assert.deepEqual(prices, Array.from({ length: 30 }, (_, at) => at));
  }
});
