import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connectSql } from "../../db/connection.ts";
import { readProcesses, serverProcesses } from "../../db/embedded/postmaster.ts";
import { isInterrupted, whyItDoesNotStart } from "../../db/embedded/start_failure.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { assertGone, countTicks, createFleet, storeTick } from "../helpers/fleet.ts";
import { freePort, postmastersOf, startProcess } from "../helpers/process.ts";
import { startServer } from "../helpers/server.ts";
import { slowTests, testWith } from "../helpers/skip.ts";
import { fillDataDir } from "../helpers/template.ts";

const { start, newFolder, clear } = createFleet();
const root = new URL("../..", import.meta.url).pathname;
const nobody = 65_534;
const isRoot = Deno.uid() === 0;
const asRoot = { what: "root", present: isRoot };

Deno.test.afterAll(clear);

async function newDataDir(): Promise<string> {
  const dir = await newFolder();
  await fillDataDir(dir);
  return dir;
}

/** Stops a Holdfast that is ready, after a look at whether it works. */
async function worksAndStops(dir: string, app: ReturnType<typeof start>): Promise<void> {
  await app.ready();
  await storeTick(app.url);
  assert.equal(await countTicks(app.url), 1);
  app.kill("SIGTERM");
  assert.equal(await app.exited, 0, app.errors());
  await assertGone(dir);
}

/** A program of the user that the server runs as, which has nothing to do with it. */
function startInnocent(): Deno.ChildProcess {
  const sleep = ["sleep", "3600"];
  const [program = "", ...args] = isRoot
    ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--", ...sleep]
    : sleep;
  return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
}

async function writePid(dir: string, pid: number): Promise<void> {
  const path = `${dir}/postgres/postmaster.pid`;
  const lines = [pid, `${dir}/postgres`, 1_700_000_000, 5432, `${dir}/socket`, "", "1 2", "ready"];
  await Deno.writeTextFile(path, lines.join("\n") + "\n", { mode: 0o600 });
  const { uid, gid } = await Deno.stat(`${dir}/postgres`);
  if (isRoot) await Deno.chown(path, uid, gid);
}

Deno.test("a stale postmaster.pid that names an innocent program harms neither", async () => {
  const dir = await newDataDir();
  const innocent = startInnocent();
  let ended = false;
  const gone = innocent.status.then((status) => {
    ended = true;
    return status;
  });
  try {
    await writePid(dir, innocent.pid);
    const app = start(dir);
    await worksAndStops(dir, app);
    assert.equal(app.logged("embedded_postgres_stale_pid")[0]?.pid, innocent.pid);
    assert.equal(app.logged("embedded_postgres_ready")[0]?.how, "started");
    assert.equal(ended, false, "it was not signalled");
    // One that comes by the number after the server has died is not signalled at the stop either.
    const second = start(dir);
    await second.ready();
    await writePid(dir, innocent.pid);
    const [server] = await postmastersOf(dir);
    second.kill("SIGSTOP");
    Deno.kill(server?.pid ?? 0, "SIGKILL");
    second.kill("SIGTERM");
    second.kill("SIGCONT");
    assert.equal(await second.exited, 0, second.errors());
    assert.equal(ended, false, "it was not signalled");
    // Nor one whose number stands there while the server lives: that is then left, and said.
    const third = start(dir);
    await third.ready();
    const path = `${dir}/postgres/postmaster.pid`;
    const right = await Deno.readTextFile(path);
    await writePid(dir, innocent.pid);
    third.kill("SIGTERM");
    assert.equal(await third.exited, 0, third.errors());
    assert.equal(third.logged("embedded_postgres_left").length, 1);
    assert.equal(ended, false, "it was not signalled");
    await Deno.writeTextFile(path, right);
  } finally {
    innocent.kill("SIGKILL");
    await gone;
  }
});

testWith(
  { what: "root and unshare", present: isRoot },
  "a stale postmaster.pid in a new pid namespace, where Holdfast's own thread has the number, holds up no start",
  async () => {
    // Each is another thread's; all with HOLDFAST_SLOW_TESTS=1.
    for (const number of slowTests.present ? [2, 4, 6] : [4]) {
      const dir = await newDataDir();
      await writePid(dir, number);
      const port = String(freePort());
      const child = new Deno.Command("unshare", {
        args: [
          ...["--pid", "--fork", "--mount-proc", "--kill-child"],
          ...[Deno.execPath(), "run", "-P=serve", "main.ts", "serve"],
        ],
        cwd: root,
        env: { HOLDFAST_DATA_DIR: dir, PORT: port },
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        const url = `http://127.0.0.1:${port}`;
        const until = performance.now() + 60_000;
        let ready = false;
        while (!ready && performance.now() < until) {
          ready = await fetch(`${url}/api/health/ready`).then(async (answer) => {
            await answer.body?.cancel();
            return answer.ok;
          }, () => false);
          await new Promise((done) => setTimeout(done, 100));
        }
        assert.ok(ready, `number ${number}`);
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
    }
  },
);

/** Asserts that a start ends with 1 and one plain line. */
async function assertRefused(app: ReturnType<typeof start>, line: RegExp): Promise<void> {
  assert.equal(await app.exited, 1, app.output());
  assert.match(app.errors(), /^Cannot start: [^\n]*\n$/);
  assert.match(app.errors(), line);
}

Deno.test("a damaged control file is said in one line, at once, with the way out", async () => {
  const dir = await newDataDir();
  const path = `${dir}/postgres/global/pg_control`;
  const bytes = await Deno.readFile(path);
  bytes.fill(7, 40, 80);
  await Deno.writeFile(path, bytes);
  const app = start(dir);
  await assertRefused(
    app,
    /the control file .*\/global\/pg_control is damaged; .*deno task restore --to DIR/,
  );
  assert.deepEqual(await Deno.readFile(path), bytes, "it is left as it is");
  assert.deepEqual(await postmastersOf(dir), []);
});

Deno.test("a control file that is gone is said in one line too", async () => {
  const dir = await newDataDir();
  await Deno.remove(`${dir}/postgres/global/pg_control`);
  await assertRefused(start(dir), /the control file .* is damaged/);
});

Deno.test("a setting that Postgres does not know is said in one line, with its file", async () => {
  const dir = await newDataDir();
  await Deno.writeTextFile(`${dir}/postgres/postgresql.auto.conf`, "no_such_setting = 1\n");
  await assertRefused(start(dir), /the settings in .*postgresql\.auto\.conf are not valid/);
});

Deno.test("a cluster of another major version is left as it is, and the way out is said", async () => {
  const dir = await newDataDir();
  await Deno.writeTextFile(`${dir}/postgres/PG_VERSION`, "17\n");
  await assertRefused(
    start(dir),
    /was made by Postgres 17, this Holdfast brings 18; deno task upgrade --dry-run .*docs\/rollback-and-upgrade\.md/,
  );
  assert.equal(await Deno.readTextFile(`${dir}/postgres/PG_VERSION`), "17\n");
});

Deno.test("a directory with spaces, quotes and letters of all kinds serves", async () => {
  const dir = `${await newFolder()}/dätä of 'today' 日本`;
  await worksAndStops(dir, start(dir));
  await worksAndStopsAgain(dir);
});

async function worksAndStopsAgain(dir: string): Promise<void> {
  const app = start(dir);
  await app.ready();
  assert.equal(await countTicks(app.url), 1);
  app.kill("SIGTERM");
  assert.equal(await app.exited, 0, app.errors());
  await assertGone(dir);
}

testWith(
  asRoot,
  "a user id without an entry in /etc/passwd is told in one line what initdb needs",
  async () => {
    const folder = await newFolder();
    await Deno.chown(folder, 12_345, 12_345);
    const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
    const app = start(`${folder}/data`, { HOME: folder, DENO_DIR: cache }, { user: 12_345 });
    await assertRefused(app, /user id 12345 has no entry in \/etc\/passwd, .*DATABASE_URL/);
  },
);

testWith(
  asRoot,
  "a user id that gets an entry in /etc/passwd before the start serves, as in a container",
  async () => {
    const folder = await newFolder();
    await Deno.chown(folder, 12_345, 0);
    await Deno.writeTextFile(
      `${folder}/passwd`,
      `${await Deno.readTextFile("/etc/passwd")}holdfast:x:12345:0::/:/sbin/nologin\n`,
    );
    const said = await serveApart(
      ["--mount"],
      `mount --make-rprivate / && mount --bind "${folder}/passwd" /etc/passwd
      set -- "$1" setpriv --reuid=12345 --regid=0 --clear-groups "$2"`,
      {
        HOME: folder,
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
        HOLDFAST_DATA_DIR: `${folder}/data`,
        PORT: String(freePort()),
      },
    );
    assert.match(said, /"event":"ready"/);
  },
);

/**
 * Runs `main.ts serve` after `prepare`, in namespaces of its own that `unshare` makes with these options, until it is ready or has
 * ended; returns what it said.
 */
async function serveApart(
  options: string[],
  prepare: string,
  env: Record<string, string>,
): Promise<string> {
  const child = new Deno.Command("unshare", {
    args: [
      ...options,
      "sh",
      "-c",
      `${prepare}\nexec timeout -s TERM "$@" run -P=serve main.ts serve`,
      "sh",
      "120",
      Deno.execPath(),
    ],
    cwd: root,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const gather = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const wasReady = said.includes('"event":"ready"');
      said += text;
      if (!wasReady && said.includes('"event":"ready"')) child.kill("SIGTERM");
    }
  };
  await Promise.all([gather(child.stdout), gather(child.stderr)]);
  await child.status;
  return said;
}

testWith(asRoot, "a checkout that cannot be written serves, or says what it lacks", async () => {
  const readOnly =
    `mount --make-rprivate / && mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind "$PWD" && cd "$PWD"`;
  const dir = await newDataDir();
  const served = await serveApart(["--mount"], readOnly, {
    HOLDFAST_DATA_DIR: dir,
    PORT: String(freePort()),
  });
  assert.match(served, /"event":"ready"/);
  const refused = await serveApart(["--mount"], readOnly, {
    HOLDFAST_DATA_DIR: ".holdfast/of-this-test",
    PORT: String(freePort()),
  });
  assert.match(refused, /Cannot start: HOLDFAST_DATA_DIR is ".*" \(EROFS.*\n/);
});

testWith(
  asRoot,
  "a second start needs no network, also with an empty cache of Deno's",
  async () => {
    const dir = await newDataDir();
    const said = await serveApart(["--net"], "ip link set lo up", {
      HOLDFAST_DATA_DIR: dir,
      DENO_DIR: await newFolder(),
      PORT: String(freePort()),
    });
    assert.match(said, /"event":"ready"/);
  },
);

Deno.test("five first starts at once on one empty database all serve", async () => {
  const server = await startServer({ max_connections: "200" });
  try {
    const url = embeddedUrl(server.target, { database: "postgres" });
    const apps = await Promise.all(Array.from({ length: 5 }, async () =>
      startProcess({
        env: {
          DATABASE_URL: url,
          HOLDFAST_DATA_DIR: await newFolder(),
          PORT: String(freePort()),
          HOLDFAST_POOL_SIZE: "2",
        },
      })));
    try {
      await Promise.all(apps.map((app) => app.ready(120_000)));
      const sql = connectSql({
        target: server.target,
        max: 1,
        applicationName: "test",
        statementTimeoutMs: 10_000,
        lockTimeoutMs: 5_000,
        pooled: false,
      });
      const [row] = await sql`
        select count(*)::int as all, count(distinct version)::int as versions
        from holdfast.migrations`;
      await sql.end();
      assert.equal(row?.all, row?.versions);
      assert.ok(row?.all > 5);
    } finally {
      for (const app of apps) app.kill("SIGTERM");
      const codes = await Promise.all(apps.map(({ exited }) => exited));
      assert.deepEqual(codes, [0, 0, 0, 0, 0]);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("only a Postgres on the very directory is taken for its server", () => {
  const listed = readProcesses(`
      1       0 /sbin/init
    400       1 /opt/bin/postgres -D /data/postgres
    401     400 postgres: checkpointer
    402     400 postgres: io worker 0
    500       1 /opt/bin/postgres -D /other/postgres
    501     500 postgres: checkpointer
    600       1 vi /data/postgres/postgresql.conf
    700       1 /opt/bin/postgres -D /d\\303\\244t? ?? of/postgres
    800       1 /opt/bin/postgres -D /data/postgres.old
  `);
  assert.deepEqual(serverProcesses(listed, { pid: 700, cluster: "/dätä 日本 of/postgres" }), [700]);
  const of = (pid: number) => serverProcesses(listed, { pid, cluster: "/data/postgres" });
  assert.deepEqual(of(400), [400, 401, 402]);
  for (const pid of [1, 401, 500, 600, 800, 999]) assert.deepEqual(of(pid), [], String(pid));
});

Deno.test("an initdb that was interrupted is no obstacle, one that failed or was killed is", () => {
  assert.ok(isInterrupted("SIGINT", ""));
  assert.ok(isInterrupted(null, "creating subdirectories ... caught signal\n"));
  assert.ok(!isInterrupted("SIGKILL", ""));
  assert.ok(!isInterrupted(null, "initdb: error: could not create directory"));
});

Deno.test("what the server's log says is told with the way out; what may pass is not taken for lasting", () => {
  const why = (log: string) => whyItDoesNotStart(log, { cluster: "/data/postgres" });
  assert.match(
    why("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use") ?? "",
    /another Postgres still runs on \/data\/postgres/,
  );
  assert.match(
    why("PANIC:  could not locate a valid checkpoint record at 0/1") ?? "",
    /write-ahead log .* restore the newest backup/,
  );
  assert.match(
    why('FATAL:  data directory "/data/postgres" has invalid permissions') ?? "",
    /mode 0700/,
  );
  assert.equal(why("FATAL:  the database system is starting up"), undefined);
  assert.equal(why(""), undefined);
  const text = readFileSync(new URL("../../docs/rollback-and-upgrade.md", import.meta.url), "utf8");
  assert.match(text, /major/i, "the document that the refusal names speaks of it");
});
