import assert from "node:assert/strict";
import fc from "fast-check";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { signals } from "../../services/monitor/signals/list.ts";
import { type Format, writeExposition } from "../../services/monitor/export/exposition.ts";
import { familiesOf } from "../../services/monitor/export/process.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { connectLive } from "../helpers/live.ts";
import { promtool, testWith } from "../helpers/skip.ts";

const write = (families: Parameters<typeof writeExposition>[0], format: Format) =>
  writeExposition(families, format, () => Promise.resolve());

Deno.test("the writer names units and types, escapes labels, and leaves out what is not known", async () => {
  const families = [
    {
      name: "holdfast_wal_bytes",
      type: "counter" as const,
      help: "a \\ and\na line",
      samples: [{ value: 5 }, { value: 6 }],
    },
    {
      name: "holdfast_slot_lost",
      type: "gauge" as const,
      help: "x",
      samples: [{ labels: { slot: 'a"b\\c\nd' }, value: 1 }, { labels: { slot: "n" }, value: NaN }],
    },
    { name: "holdfast_nothing", type: "gauge" as const, help: "x", samples: [] },
    {
      name: "holdfast_build",
      type: "info" as const,
      help: "x",
      samples: [{ labels: { version: "1" }, value: 1 }],
    },
  ];
  assert.equal(
    await write(families, "prometheus"),
    [
      "# HELP holdfast_wal_bytes_total a \\\\ and\\na line",
      "# TYPE holdfast_wal_bytes_total counter",
      "holdfast_wal_bytes_total 5",
      "# HELP holdfast_slot_lost x",
      "# TYPE holdfast_slot_lost gauge",
      'holdfast_slot_lost{slot="a\\"b\\\\c\\nd"} 1',
      "# HELP holdfast_build_info x",
      "# TYPE holdfast_build_info gauge",
      'holdfast_build_info{version="1"} 1',
      "",
    ].join("\n"),
  );
  const open = await write(families, "openmetrics");
  assert.match(open, /^# HELP holdfast_wal_bytes a/);
  assert.match(open, /\n# UNIT holdfast_wal_bytes bytes\nholdfast_wal_bytes_total 5\n/);
  assert.match(open, /\n# TYPE holdfast_build info\nholdfast_build_info\{/);
  assert.match(open, /\n# EOF\n$/);
});

Deno.test("whatever a label holds, a series stays one line", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), fc.double(), async (slot, value) => {
      const samples = [{ labels: { slot }, value }];
      const text = await write([{ name: "a", type: "gauge", help: "h", samples }], "prometheus");
      const lines = text.split("\n");
      assert.equal(lines.length, Number.isFinite(value) ? 4 : 1);
    }),
  );
});

Deno.test("every signal has a meaning, a unit in its name or none, and a name of its own", () => {
  assert.equal(new Set(signals.map(({ name }) => name)).size, signals.length);
  for (const { name, unit, about } of signals) {
    assert.match(name, /^[a-z][a-z0-9_]{1,63}$/);
    assert.ok(about.length > 10, name);
    if (unit.startsWith("per_") || unit.includes("_per_")) {
      assert.ok(name.endsWith(unit), `${name} is in ${unit}`);
    }
    if (unit === "seconds" || unit === "bytes") assert.ok(name.endsWith(unit), name);
  }
});

/** What promtool says of an exposition; nothing when it has no complaint. */
async function check(text: string): Promise<{ code: number; said: string }> {
  const process = new Deno.Command(promtool.bin, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await process.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

const valueOf = (text: string, series: string) =>
  text.split("\n").find((line) => line.startsWith(`${series} `))?.split(" ")[1];

testWith(
  promtool,
  "a scrape is clean for promtool, whether the database is there or away",
  async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-metrics-" });
    await Deno.chmod(folder, 0o755);
    const server = await createEmbeddedServer({
      dataDir: folder,
      log: createLogger({ level: "error", write: () => {} }),
    });
    await server.start();
    const app = await startApp({
      DATABASE_URL: embeddedUrl(server.target),
      HOLDFAST_FAST_TIER_SECONDS: "1",
      HOLDFAST_BROADCAST_SECONDS: "1",
      HOLDFAST_SLOW_TIER_SECONDS: "5",
    });
    const scrape = async (accept = "*/*") => {
      const answer = await app.request("/metrics", { headers: { accept } });
      assert.equal(answer.status, 200);
      return { type: answer.headers.get("content-type"), text: await answer.text() };
    };
    try {
      await app.post("/api/ticks?create=true", [
        { ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 },
        { ts: "2001-01-01T00:00:00Z", symbol: "SPY", price: 1, size: 1 },
      ]);
      const client = await connectLive(app.url);
      const { text } = await eventually(async () => {
        const found = await scrape();
        for (
          const series of [
            'holdfast_collector_up{collector="tables"}',
            'holdfast_collector_up{collector="bloat"}',
          ]
        ) assert.equal(valueOf(found.text, series), "1", series);
        assert.notEqual(
          valueOf(found.text, 'holdfast_partitions{table="market.ticks"}'),
          undefined,
        );
        assert.match(found.text, /holdfast_statement_load_ratio/);
        if (valueOf(found.text, 'holdfast_status{status="healthy"}') !== "1") {
          throw new Error(JSON.stringify(await app.json("/api/health")));
        }
        return found;
      }, "all is read");
      await t.step("the figures are there", () => {
        assert.equal(valueOf(text, "holdfast_up"), "1");
        assert.equal(valueOf(text, "holdfast_database_up"), "1");
        assert.equal(valueOf(text, "holdfast_ingest_ticks_accepted_total"), "1");
        assert.equal(valueOf(text, 'holdfast_ingest_ticks_quarantined_total{reason="stale"}'), "1");
        assert.equal(valueOf(text, 'holdfast_status{status="healthy"}'), "1");
        assert.equal(valueOf(text, "holdfast_websocket_clients"), "1");
        assert.equal(valueOf(text, "holdfast_pool_connections_limit"), "8");
        assert.ok(Number(valueOf(text, "holdfast_database_commits_total")) > 0);
        assert.ok(Number(valueOf(text, "holdfast_xid_age")) > 0);
        assert.ok(Number(valueOf(text, "process_resident_memory_bytes")) > 1e7);
        assert.ok(
          valueOf(text, 'holdfast_table_heap_bytes{table="market.candles_1m"}') !== undefined,
        );
        assert.ok(
          Number(valueOf(text, 'holdfast_collector_duration_seconds{collector="tables"}')) > 0,
        );
      });
      await client.close();
      await t.step("promtool has nothing to say", async () => {
        assert.deepEqual(await check(text), { code: 0, said: "" });
      });
      await t.step(
        "the rules and the dashboard in docs/ ask for metrics that are there",
        async () => {
          const facts = {
            version: "1",
            startedAt: 0,
            messages: 0,
            clients: 0,
            lag: { p99_ms: 0, worst_ms: 0 },
          };
          const known = new Set(
            familiesOf(app.holdfast.monitor.snapshot(), facts).map(({ name, type }) =>
              type === "counter" ? `${name}_total` : name
            ),
          );
          for (const file of ["prometheus-rules.yml", "grafana-dashboard.json"]) {
            const page = await Deno.readTextFile(new URL(`../../docs/${file}`, import.meta.url));
            // Behind a # stand the names of sections of the runbook.
            const asked = new Set(
              page.replaceAll(/#\w+/g, "").match(/\b(holdfast|process)_[a-z_]+\b/g),
            );
            assert.ok(asked.size > 10);
            assert.deepEqual([...asked].filter((name) => !known.has(name)), [], file);
          }
          const rules = new URL("../../docs/prometheus-rules.yml", import.meta.url).pathname;
          const checked = await new Deno.Command(promtool.bin, { args: ["check", "rules", rules] })
            .output();
          assert.equal(checked.code, 0, new TextDecoder().decode(checked.stderr));
        },
      );
      await t.step("OpenMetrics by Accept", async () => {
        const open = await scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
        assert.match(open.type ?? "", /^application\/openmetrics-text; version=1\.0\.0/);
        assert.ok(open.text.endsWith("# EOF\n"));
        assert.match((await scrape()).type ?? "", /^text\/plain; version=0\.0\.4/);
      });
      await t.step("labels are bounded, however many tables and sequences there are", async () => {
        await app.sql.unsafe(
          Array.from({ length: 150 }, (_, n) => `create table public.t${n} (id bigserial)`).join(
            ";",
          ),
        ).simple();
        await app.holdfast.monitor.runNow("slow");
        const many = (await scrape()).text.split("\n");
        for (const name of ["holdfast_table_dead_rows", "holdfast_sequence_used_ratio"]) {
          assert.equal(many.filter((line) => line.startsWith(`${name}{`)).length, 50, name);
        }
        assert.ok(many.length < 1_500, `${many.length} lines`);
      });
      await t.step(
        "with the database away it says so, and what was read before is gone",
        async () => {
          await server.stop();
          const away = await eventually(async () => {
            const found = (await scrape()).text;
            return valueOf(found, "holdfast_database_up") === "0" && found;
          }, "it is noticed");
          assert.equal(valueOf(away, "holdfast_up"), "1");
          assert.equal(valueOf(away, 'holdfast_status{status="unhealthy"}'), "1");
          assert.equal(valueOf(away, 'holdfast_alerts_firing{severity="critical"}'), "1");
          assert.equal(valueOf(away, "holdfast_xid_age"), undefined);
          assert.equal(valueOf(away, 'holdfast_collector_up{collector="tables"}'), "0");
          assert.equal(valueOf(away, "holdfast_database_commits_total"), undefined);
          assert.deepEqual(await check(away), { code: 0, said: "" });
        },
      );
    } finally {
      await app.stop();
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
