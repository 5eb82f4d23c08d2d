import assert from "node:assert/strict";
import { writeDatabases } from "../helpers/databases.ts";
import { connectLive } from "../helpers/live.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { processWide } from "../../services/monitor/export/process.ts";

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

interface AlertPage {
  alerts: { rule: string; database: string; started_at: string }[];
  next_cursor: string | null;
  complete: boolean;
}

async function scrape(app: TestApp): Promise<string[]> {
  const answer = await app.request("/metrics");
  return (await answer.text()).split("\n");
}

/** One scrape shows every database, each series once and with its database. */
async function checkScrape(app: TestApp): Promise<void> {
  const lines = await eventually(async () => {
    const found = await scrape(app);
    return found.includes('holdfast_database_up{database="second"} 1') && found;
  }, "the scrape has the second database");
  for (const name of ["first", "found.third"]) {
    assert.ok(lines.includes(`holdfast_database_up{database="${name}"} 1`), name);
  }
  assert.ok(lines.includes('holdfast_database_up{database="gone"} 0'));
  assert.ok(lines.includes('holdfast_status{database="gone",status="unhealthy"} 1'));
  const samples = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const series = samples.map((line) => line.slice(0, line.lastIndexOf(" ")));
  assert.equal(new Set(series).size, series.length, "each series once");
  const described = lines.filter((line) => line.startsWith("# TYPE"));
  assert.equal(new Set(described).size, described.length, "each family once");
  for (const one of series) {
    const name = one.replace(/\{.*/, "").replace(/_(total|info)$/, "");
    assert.equal(one.includes('database="'), !processWide.has(name), one);
  }
}

/** Alerts of one database or of all are asked for by a parameter. */
async function checkAlerts(app: TestApp): Promise<void> {
  const ask = (query: string) => app.json<AlertPage>(`/api/alerts?${query}`);
  const down = await eventually(async () => {
    const { alerts } = await ask("database=*&state=firing");
    return alerts.find(({ database, rule }) => database === "gone" && rule === "database_down");
  }, "the alert of the unreachable database is listed among those of all");
  assert.deepEqual(
    (await ask("state=firing")).alerts.filter((one) => one.database !== "first"),
    [],
  );
  const gone = await ask("database=gone&state=firing");
  assert.ok(gone.alerts.some(({ started_at }) => started_at === down.started_at));
  const all = await ask("database=*");
  assert.equal(all.complete, false, "ended alerts of the unreachable database are missing");
  const times = all.alerts.map(({ started_at }) => started_at);
  assert.deepEqual(times, times.toSorted().reverse(), "newest first");
  const unknown = await app.request("/api/alerts?database=none");
  assert.equal(unknown.status, 404);
  assert.match((await unknown.json()).detail, /no database none; there are: first/);
  const series = await eventually(async () => {
    const answer = await app.request("/api/metrics/xid_age?database=second");
    const found = await answer.json();
    return answer.status === 200 && found;
  }, "a metric of the second database");
  assert.equal(series.database, "second");
  const { alerts } = await app.json<AlertPage>("/api/databases/gone/health/database");
  assert.ok(alerts.some(({ rule }) => rule === "database_down"));
  const { metrics } = await app.json<{ metrics: { database: string }[] }>(
    "/api/databases/gone/metrics",
  );
  assert.deepEqual(
    [...new Set([...alerts, ...metrics].map(({ database }) => database))],
    ["gone"],
    "what is of a database says so",
  );
}

interface IncidentPage {
  incidents: { id: string; database: string; alert_type: string; opened_at: string }[];
  complete: boolean;
}

/** Incidents of one database or of all are asked for by a parameter, and each says which it is of. */
async function checkIncidents(app: TestApp): Promise<void> {
  const ask = (query: string) => app.json<IncidentPage>(`/api/incidents?${query}`);
  const { all, recorded } = await eventually(async () => {
    const all = await ask("database=*");
    const recorded = all.incidents.find(({ database }) => database === "gone");
    return recorded && { all, recorded };
  }, "the incident of the unreachable database is listed among those of all");
  assert.equal(recorded.alert_type, "database_down_critical");
  assert.equal(all.complete, false, "stored incidents of the unreachable database are missing");
  const times = all.incidents.map(({ opened_at }) => opened_at);
  assert.deepEqual(times, times.toSorted().reverse(), "newest first");
  const first = await ask("");
  assert.equal(first.complete, true);
  assert.deepEqual(first.incidents.filter(({ database }) => database !== "first"), []);
  const second = await ask("database=second");
  assert.deepEqual(second.incidents.filter(({ database }) => database !== "second"), []);
  const report = await app.json<{ id: string; database: string }>(
    `/api/incidents/${recorded.id}?database=gone`,
  );
  assert.deepEqual([report.id, report.database], [recorded.id, "gone"]);
  const unknown = await app.request("/api/incidents?database=none");
  assert.equal(unknown.status, 404);
  assert.match((await unknown.json()).detail, /no database none; there are: first/);
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
    const plain = await (await app.request("/metrics", { headers })).text();
    assert.doesNotMatch(plain, /database="/, "one database needs no label");
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
  const databases = await writeDatabases(folder, url, [
    { name: "found", url, discover: { exclude: ["postgres", "holdfast", "second"] } },
  ]);
  const app = await startApp({
    HOLDFAST_DATABASES: databases,
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
    // Each is read every five seconds: on a busy machine the moment is waited for at which all were read of late.
    await eventually(
      async () =>
        (await list(app)).every(({ name, age_ms }) =>
          name === "gone" || age_ms !== null && age_ms < 10_000
        ),
      "the others are read on",
    );

    await checkScrape(app);
    await checkAlerts(app);
    await checkIncidents(app);
    const live = await connectLive(`${app.url}/api/databases/second`);
    const frame = await live.sees(
      "a state of the second database",
      ({ type }) => type === "database_performance",
    );
    assert.equal((frame as { database?: string }).database, "second");
    await live.close();

    // What is rarely used is closed: a further database keeps few connections.
    const kept = await eventually(async () => {
      const rows = await own.admin<{ application_name: string }[]>`
        select application_name
        from pg_stat_activity
        where datname = 'third'
          and application_name like 'holdfast%'
        order by application_name`;
      return rows.length <= 4 && rows.map((row) => row.application_name);
    }, "the third database has few connections");
    assert.ok(kept.includes("holdfast-monitor"), kept.join());

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
    await within(2_000, "the list", async () => {
      const began = performance.now();
      const { databases } = await app.json<Listed>("/api/databases?limit=1");
      assert.equal(databases.length, 1);
      return performance.now() - began;
    });
  } finally {
    await app.stop();
    await own.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
