import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { withDatabase } from "../../config/databases.ts";

interface Listed {
  databases: {
    name: string;
    status: string;
    engine: string | null;
    role: string | null;
    reasons: string[];
    age_ms: number | null;
  }[];
}

const list = async (app: TestApp) => (await app.json<Listed>("/api/databases")).databases;
const find = async (app: TestApp, name: string) =>
  (await list(app)).find((database) => database.name === name);

async function settled(app: TestApp, name: string): Promise<void> {
  await eventually(async () => (await find(app, name))?.age_ms !== null, `${name} was asked`);
}

Deno.test("without a file there is one database, default, and its paths answer with and without its name", async () => {
  const app = await startApp({ HOLDFAST_TOKEN: "t".repeat(32) });
  const headers = { authorization: `Bearer ${"t".repeat(32)}` };
  try {
    const { databases } = await eventually(async () => {
      const answer = await app.request("/api/databases", { headers });
      const listed = await answer.json() as Listed;
      return listed.databases[0]?.engine !== null && listed;
    }, "the server was asked what it is");
    assert.equal(databases.length, 1);
    const { name, status, engine, role, reasons, age_ms } = databases[0]!;
    assert.deepEqual([name, engine, role], ["default", "postgres", "primary"]);
    assert.equal(status === "healthy", reasons.length === 0, "what is not healthy has a reason");
    assert.ok(age_ms !== null && age_ms < 60_000);
    for (
      const path of ["health", "alerts", "metrics", "partitions", "health/database", "instruments"]
    ) {
      const named = await app.request(`/api/databases/default/${path}`, { headers });
      const plain = await app.request(`/api/${path}`, { headers });
      assert.equal(named.status, plain.status, path);
      assert.deepEqual(Object.keys(await named.json()), Object.keys(await plain.json()), path);
    }
    // The guards see the path that is served.
    const open = await app.request("/api/databases/default/health/live");
    assert.equal(open.status, 200);
    await open.body?.cancel();
    const closed = await app.request("/api/databases/default/alerts");
    assert.equal(closed.status, 401);
    await closed.body?.cancel();
    const unknown = await app.request("/api/databases/other/alerts", { headers });
    assert.equal(unknown.status, 404);
    assert.match((await unknown.json()).detail, /no database other; there are: default/);
    const wrong = await app.request("/api/databases/default/alerts", { method: "DELETE", headers });
    assert.equal(wrong.status, 405);
    await wrong.body?.cancel();
  } finally {
    await app.stop();
  }
});

Deno.test("several databases are looked after apart; one that is away delays no other, and is named first", async () => {
  const own = await startApp();
  const folder = await Deno.makeTempDir({ prefix: "holdfast-databases-" });
  await own.admin`create database second owner holdfast`;
  await own.admin`create database third owner holdfast`;
  const url = embeddedUrl(own.holdfast.target);
  await Deno.writeTextFile(
    `${folder}/databases.json`,
    JSON.stringify({
      databases: [
        { name: "first", url },
        { name: "second", url: withDatabase(url, "second") },
        { name: "gone", url: "postgres://nobody:x@127.0.0.1:1/nowhere" },
        { name: "found", url, discover: { exclude: ["postgres", "holdfast", "second"] } },
      ],
    }),
  );
  const app = await startApp({
    HOLDFAST_DATABASES: `${folder}/databases.json`,
    HOLDFAST_DATA_DIR: folder,
    HOLDFAST_INSTANCE: "fleet",
  });
  try {
    for (const name of ["first", "second", "found.third"]) await settled(app, name);
    await eventually(
      async () => (await find(app, "gone"))?.status === "unhealthy",
      "gone is named",
    );
    const [worst, ...others] = await list(app);
    assert.equal(worst?.name, "gone");
    assert.match(worst?.reasons.join() ?? "", /127\.0\.0\.1|refuse|cannot be reached/i);
    assert.deepEqual(others.map(({ name }) => name).sort(), ["first", "found.third", "second"]);
    for (const { age_ms } of others) assert.ok(age_ms !== null && age_ms < 10_000, `${age_ms}`);

    // Each has its own ticks.
    const tick = JSON.stringify({ ts: new Date().toISOString(), symbol: "TWO", price: 1, size: 1 });
    const stored = await app.post("/api/databases/second/ticks?create=true", `${tick}\n`, {
      "content-type": "application/x-ndjson",
    });
    assert.equal(stored.status, 200, await stored.text());
    const symbols = async (prefix: string) =>
      (await app.json<{ instruments: { symbol: string }[] }>(`${prefix}/instruments`)).instruments
        .map(({ symbol }) => symbol);
    assert.deepEqual(await symbols("/api/databases/second"), ["TWO"]);
    assert.deepEqual(await symbols("/api/databases/first"), []);
    assert.deepEqual(await symbols("/api"), []);

    // An address in an answer stays at the database it is of.
    const silence = await app.post("/api/databases/second/alerts/silences", {
      rule: "rollbacks",
      reason: "a test",
      duration_seconds: 60,
    });
    assert.equal(silence.status, 201, await silence.clone().text());
    const location = silence.headers.get("location");
    if (location !== null) assert.match(location, /^\/api\/databases\/second\//);
    await silence.body?.cancel();
    const began = performance.now();
    const { databases } = await app.json<Listed>("/api/databases?limit=1");
    assert.ok(performance.now() - began < 2_000);
    assert.equal(databases.length, 1);
  } finally {
    await app.stop();
    await own.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
