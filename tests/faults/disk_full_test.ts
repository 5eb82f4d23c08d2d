import assert from "node:assert/strict";
import { mayMount, mountSmallDisk, type SmallDisk } from "../helpers/disk.ts";
import { eventually } from "../helpers/eventually.ts";
import { createFleet } from "../helpers/fleet.ts";
import {
  assertExactlyOnce,
  awaitProgress,
  connectTo,
  type Load,
  startLoad,
} from "../helpers/load.ts";
import { postmastersOf, type ServeProcess } from "../helpers/process.ts";
import { testWith } from "../helpers/skip.ts";

const MiB = 1024 * 1024;
const startedAt = new Date().toISOString();
const { start, newFolder, clear } = createFleet();

Deno.test.afterAll(clear);

interface Seen {
  status: number;
  body: {
    status: string;
    code?: string;
    checks: { name: string; status: string; detail: string }[];
  };
}

async function ask(url: string): Promise<Seen> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return { status: answer.status, body: await answer.json() };
}

/** Its process lives, and says that it is unhealthy, and why. */
async function assertUnwell({ url }: ServeProcess, check: string, why: RegExp): Promise<void> {
  assert.equal((await ask(`${url}/api/health/live`)).status, 200);
  const { detail } = await eventually(async () => {
    const { status, body } = await ask(`${url}/api/health`);
    return status === 503 && body.status === "unhealthy" &&
      body.checks.find((one) => one.name === check && one.status === "unhealthy");
  }, `health says why: ${check}`);
  assert.match(detail, why);
}

/** What a busy machine alone may cause. */
const isOfBusyMachine = (name: string) =>
  name === "event_loop_lag" || name.startsWith("collector:");

async function assertWell({ url }: ServeProcess): Promise<void> {
  await eventually(
    async () => {
      const { checks } = (await ask(`${url}/api/health`)).body;
      const bad = checks.filter(({ name, status }) =>
        status !== "healthy" && !isOfBusyMachine(name)
      );
      if (bad.length > 0) throw new Error(JSON.stringify(bad));
      return true;
    },
    "it is healthy again",
    20_000,
  );
}

const refusedRows = 2_000;

/** Ticks for the quarantine, more than its table has pages for, under a key of their own. */
async function sendRefused({ url }: ServeProcess, key: string): Promise<Response> {
  return await fetch(`${url}/api/ticks`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson", "idempotency-key": key },
    body: `${JSON.stringify({ ts: startedAt, symbol: "NEVER", price: 1, size: 1 })}\n`
      .repeat(refusedRows),
    signal: AbortSignal.timeout(20_000),
  });
}

/** More rows than are written together with others: an upload that has a lane, and a COPY, for itself. */
async function sendLarge({ url }: ServeProcess): Promise<Response> {
  const row = JSON.stringify({ ts: startedAt, symbol: "S1", price: 1, size: 1 });
  return await fetch(`${url}/api/ticks?create=true`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    // More than a segment of the log, which the server frees now and then.
    body: `${row}\n`.repeat(400_000),
    signal: AbortSignal.timeout(20_000),
  });
}

/** Nothing was answered but "not now, later", in due form, without a word of what lies behind. */
function assertClear({ refused }: Load): void {
  for (const { status, code, retryAfter, type, text } of refused) {
    assert.ok(
      status === 507 ? code === "storage_full" : code === "database_unavailable",
      `${status} ${text}`,
    );
    assert.match(retryAfter ?? "", /^[1-9]\d*$/);
    assert.equal(type, "application/problem+json");
    assert.doesNotMatch(
      text,
      /No space left|pg_wal|PANIC|extend file|insert into|copy market|\/tmp/i,
    );
  }
}

/** Nothing went wrong that nobody expected. */
function assertQuiet(holdfast: ServeProcess): void {
  for (const event of ["unhandled_rejection", "uncaught_exception"]) {
    assert.deepEqual(holdfast.logged(event), []);
  }
  const codes = new Set(holdfast.logged("request_failed").map(({ code }) => code));
  codes.delete("storage_full");
  codes.delete("database_unavailable");
  assert.deepEqual([...codes], []);
}

/**
 * Lets a crash end the whole server. By itself it begins again at once, on the space that the crash has freed, and may stay
 * up for as long as that lasts.
 */
async function endAtCrash(disk: SmallDisk): Promise<void> {
  const sql = connectTo(disk.path);
  try {
    await sql`alter system set restart_after_crash = off`;
    await sql`select pg_reload_conf()`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Segments of the log, of 16 MB each, that are ready for what is written while the tables' disk is full. */
const segmentsReady = 6;

/** Lets the server keep used segments of the log as its next ones, until there are enough. */
async function readyLog(disk: SmallDisk): Promise<void> {
  const sql = connectTo(disk.path);
  try {
    await sql`alter system set min_wal_size = '160MB'`;
    await sql`select pg_reload_conf()`;
    await eventually(async () => {
      for (let used = 0; used <= segmentsReady; used++) {
        await sql`select pg_logical_emit_message(true, 'test', 'a record of this segment')`;
        await sql`select pg_switch_wal()`;
      }
      await sql`checkpoint`;
      const [ready] = await sql<{ segments: number }[]>`
        select count(*)::int4 as segments
        from pg_ls_waldir()
        where name ~ '^[0-9A-F]{24}$'
          and name > pg_walfile_name(pg_current_wal_insert_lsn())`;
      return (ready?.segments ?? 0) >= segmentsReady;
    }, "the log has segments ready");
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Lets the server give the segments back, so that the log can run out of room again. */
async function releaseLog(disk: SmallDisk): Promise<void> {
  const sql = connectTo(disk.path);
  try {
    await sql`alter system reset min_wal_size`;
    await sql`select pg_reload_conf()`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Keeps a disk full while `run` runs: the server frees some now and then. */
async function whileFull(disk: SmallDisk, run: () => Promise<void>): Promise<void> {
  let done = false;
  const filling = (async () => {
    while (!done) {
      await disk.fill(0);
      await new Promise((next) => setTimeout(next, 10));
    }
  })();
  try {
    await run();
  } finally {
    done = true;
    await filling;
  }
}

/**
 * Keeps a disk full while `run` runs, and its server down: whenever it comes back, on space that it freed by dying, its
 * log runs out of room again.
 */
async function whileDown(disk: SmallDisk, run: () => Promise<void>): Promise<void> {
  let done = false;
  const breaking = (async () => {
    while (!done) {
      const sql = connectTo(disk.path);
      try {
        for (let step = 0; !done && step < 100; step++) {
          await sql`select pg_logical_emit_message(false, 'test', repeat('x', 1024 * 1024))`;
        }
      } catch {
        // it is down
      } finally {
        await sql.end({ timeout: 0 });
      }
      await new Promise((next) => setTimeout(next, 10));
    }
  })();
  try {
    await whileFull(disk, run);
  } finally {
    done = true;
    await breaking;
  }
}

/**
 * Brings the write-ahead log close to the end of its segments, with no room for another on the disk: the uploads
 * under way are what it breaks under.
 */
async function fillLog(disk: SmallDisk, isDown: () => boolean): Promise<void> {
  await disk.fill(8 * MiB);
  const sql = connectTo(disk.path);
  try {
    for (let step = 0; !isDown(); step++) {
      assert.ok(step < 2_000, "the log never ran out of room");
      const [segment] = await sql<{ left: number }[]>`
        select 16777216 - file_offset as left
        from pg_walfile_name_offset(pg_current_wal_insert_lsn())`;
      const spare = (segment?.left ?? 0) - 512 * 1024;
      if (spare > 0) {
        await sql`select pg_logical_emit_message(false, 'test', repeat('x', ${spare}::int))`;
      } else await new Promise((done) => setTimeout(done, 10));
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error; // else the server has died
  } finally {
    await sql.end({ timeout: 0 });
  }
}

testWith(
  { what: "root's right to mount a small disk", present: await mayMount() },
  "a full disk: clear answers, no acknowledged row lost, uploads go on when there is space again",
  async (t) => {
    const dir = await newFolder();
    const disk = await mountSmallDisk(dir, 400);
    /** What follows a step that failed would only wait for what cannot come. */
    const step = async (name: string, run: () => Promise<void>) => {
      assert.ok(await t.step(name, run), name);
    };
    let holdfast = start(dir);
    const load = startLoad(() => holdfast.url, { mayBe: [503, 507], restMs: 50 });
    try {
      await holdfast.ready();
      await endAtCrash(disk);
      await awaitProgress(load);
      let refusedKey = "";

      await step("tables that cannot grow: 507, and health names the disk", async () => {
        await readyLog(disk);
        await whileFull(disk, async () => {
          const refused = () => load.refused.filter(({ status }) => status === 507).length;
          await eventually(() => refused() > 20, "uploads are refused");
          await assertUnwell(holdfast, "storage", /no disk space left/);
          let tries = 0;
          // The table's last pages may still have room for some.
          await eventually(async () => {
            refusedKey = `tables-${tries++}`;
            return (await sendRefused(holdfast, refusedKey)).status === 507;
          }, "what the quarantine would keep is refused too");
          const large = await sendLarge(holdfast);
          assert.equal(large.status, 507, await large.text());
          assert.equal((await postmastersOf(dir)).length, 1, "the server itself stays up");
        });
      });

      await step("space again: uploads go on, also under a key that was refused", async () => {
        await disk.relieve();
        await releaseLog(disk);
        await awaitProgress(load, 10_000);
        for (const replayed of [false, true]) {
          const body = await (await sendRefused(holdfast, refusedKey)).json();
          assert.deepEqual([body.quarantined, body.replayed], [refusedRows, replayed]);
        }
        await assertWell(holdfast);
      });

      await step("a log that cannot grow: the server dies, Holdfast does not", async () => {
        await fillLog(disk, () => holdfast.logged("embedded_postgres_died").length > 0);
        await whileDown(disk, async () => {
          await eventually(
            () => holdfast.logged("embedded_postgres_died").length > 0,
            "the server's death is noticed",
            20_000,
          );
          await assertUnwell(holdfast, "database", /no answer since/);
          await eventually(() => holdfast.logged("job_failed").length > 2, "it is tried again");
          await assertUnwell(holdfast, "embedded_postgres", /disk of the data directory is full/);
          const answer = await sendRefused(holdfast, "log");
          assert.equal(answer.status, 503, await answer.text());
        });
      });

      await step("space again: the server is brought back, uploads go on", async () => {
        await disk.relieve();
        await awaitProgress(load, 20_000);
        await assertWell(holdfast);
      });

      await step("a start on a full disk waits for space", async () => {
        const { length } = holdfast.logged("job_failed");
        const deaths = holdfast.logged("embedded_postgres_died").length;
        await fillLog(disk, () => holdfast.logged("embedded_postgres_died").length > deaths);
        await whileDown(disk, async () => {
          await eventually(() => holdfast.logged("job_failed").length > length, "it is down");
          assertQuiet(holdfast);
          holdfast.interrupt();
          assert.equal(await holdfast.exited, 0);
        });
        await disk.fill(0);
        holdfast = start(dir);
        await eventually(() => holdfast.logged("database_not_ready").length > 1, "it tries");
        await assertUnwell(holdfast, "preparation", /disk of the data directory is full/);
        await disk.relieve();
        await holdfast.ready(20_000);
        await awaitProgress(load, 10_000);
      });

      await load.stop();
      assertClear(load);
      const rows = await assertExactlyOnce(dir, load);
      console.error(
        `${rows} rows in ${load.acknowledged.size} batches, ${load.refused.length} refusals`,
      );
      assertQuiet(holdfast);
      holdfast.interrupt();
      assert.equal(await holdfast.exited, 0);
    } finally {
      load.abandon();
      await disk.unmount();
    }
  },
);
