import type { TestApp } from "./test_app.ts";

const equalTimes = "2026-01-02T03:04:05.678Z";

/** Puts at least three rows into every list of the API, several with equal times, so that pages must break ties. */
export async function seedLists(app: TestApp): Promise<void> {
  const { sql } = app;
  const now = Date.now();
  const ticks = ["AAA", "BBB", "CCC"].flatMap((symbol) =>
    [0, 0, 60_000, 120_000].map((ago) => ({
      ts: new Date(now - 300_000 - ago).toISOString(),
      symbol,
      price: 1,
      size: 1,
    }))
  );
  const bad = [1, 2, 3].map(() => ({
    ts: new Date(now).toISOString(),
    symbol: "AAA",
    price: -1,
    size: 1,
  }));
  const stored = await app.post("/api/ticks?create=true", [...ticks, ...bad]);
  if (!stored.ok) throw new Error(await stored.text());
  await stored.body?.cancel();
  await sql`create schema seeded`;
  for (const name of ["a", "b"]) {
    await sql.unsafe(
      `create table seeded.${name} (ts timestamptz not null) partition by range (ts)`,
    );
    const put = await app.request(`/api/partitions/policies/seeded.${name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 1 }),
    });
    if (!put.ok) throw new Error(await put.text());
    await put.body?.cancel();
  }
  for (const text of ["one", "two", "three"]) {
    const noted = await app.post("/api/marks", { text });
    if (!noted.ok) throw new Error(await noted.text());
    await noted.body?.cancel();
  }
  for (const reason of ["one", "two", "three"]) {
    const made = await app.post("/api/alerts/silences", {
      reason,
      ends_at: new Date(now + 3_600_000).toISOString(),
    });
    if (!made.ok) throw new Error(await made.text());
    await made.body?.cancel();
  }
  await sql`
    insert into holdfast.alerts
      (id, rule, scope, alert_type, severity, state, message, started_at, resolved_at)
    select
      gen_random_uuid(), 'blocked_sessions', 's' || n, 'blocked_sessions_warning', 'warning', 'resolved', 'm',
      ${equalTimes}::text::timestamptz, ${equalTimes}::text::timestamptz
    from generate_series(1, 3) as n`;
  await sql`
    insert into holdfast.incidents (id, alert_id, alert_type, scope, opened_at, closed_at, bytes, report)
    select gen_random_uuid(), gen_random_uuid(), 'x', '', ${equalTimes}::text::timestamptz, now(), 2, '{}'
    from generate_series(1, 3)`;
  await sql`
    insert into holdfast.alert_deliveries
      (id, channel, owner, state, summary, notices, attempts, created_at, ended_at)
    select gen_random_uuid(), 'ops', 'x', 'dead', 'x', '[]', 1, ${equalTimes}::text::timestamptz, now()
    from generate_series(1, 3)`;
  await sql`
    insert into holdfast.benchmark_runs (id, profile, status, started_at, finished_at, seed)
    select gen_random_uuid(), 'quick', 'completed', ${equalTimes}::text::timestamptz, now(), 1
    from generate_series(1, 3)`;
  await sql`
    insert into holdfast.rehearsals (id, status, created_at, finished_at, body)
    select r.id, 'aborted', ${equalTimes}::text::timestamptz, now(),
      jsonb_build_object('id', r.id, 'status', 'aborted', 'created_at', ${equalTimes}::text)
    from (select gen_random_uuid() as id from generate_series(1, 3)) as r`;
  await sql`
    insert into holdfast.instances (name, version, since, seen_at)
    select 'seeded-' || n, '1.0.0', ${equalTimes}::text::timestamptz, now() from generate_series(1, 3) as n`;
  await sql`
    insert into holdfast.operations (id, kind, subject, status, started_at, updated_at, finished_at)
    select gen_random_uuid(), 'x', 'x', 'succeeded', ${equalTimes}::text::timestamptz, now(), now()
    from generate_series(1, 3)`;
  await sql`
    insert into holdfast.partition_archives
      (schema_name, table_name, leaf_schema, leaf_name, leaf_oid, bound, file, file_bytes, file_sha256, rows,
        content_hash, archived_at)
    select 'seeded', 'a', 'seeded', 'a' || n, n::text::oid, 'b', 'f', 1, 's', 1, 'h', now()
    from generate_series(1, 3) as n`;
  await sql`
    insert into holdfast.partition_moves
      (kind, schema_name, table_name, spec, phase, blocks, started_at, updated_at, ended_at)
    select 'convert', 'seeded', 'c' || n, '{"source": {"schema": "seeded", "table": "c"}}', 'finished', 1, now(),
      now(), now()
    from generate_series(1, 3) as n`;
  await sql`
    insert into holdfast.maintenance_log (action, table_name, reason, duration_ms)
    select 'attach', 'seeded.a', 'x', 1 from generate_series(1, 3)`.catch(() => {});
  for (const id of ["aaaaaa", "bbbbbb", "cccccc"]) {
    await Deno.mkdir(`${app.config.HOLDFAST_DATA_DIR}/backups/1/20260101T000000Z-${id}`, {
      recursive: true,
    });
  }
  await app.holdfast.monitor.checkNow();
}
