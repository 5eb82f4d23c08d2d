import { quoteLiteral } from "../../../db/sql.ts";
import type { Sql } from "../../../db/connection.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";

/** How long a reader holds its lock, which may block writers; milliseconds. */
const readerMs = 60;
const headStartMs = 5;
const roles = ["baseline", "candidate"] as const;
type Role = (typeof roles)[number];

interface Rotating {
  writer: Sql;
  reader: Sql;
  rotator: Sql;
  written: Record<Role, number>;
}

type Rotate = (ctx: BenchmarkContext, sql: Sql, table: string) => Promise<void>;

const from = quoteLiteral("2030-01-01 00:00:00+00");
const to = quoteLiteral("2030-01-02 00:00:00+00");
const bounds = `for values from (${from}) to (${to})`;
const tableOf = (role: Role) => `maintenance_${role}`;

/** The rotation of most tutorials: creates and drops the partition with strong locks. */
const rotateNaively: Rotate = async (ctx, sql, table) => {
  const leaf = ctx.table(`${table}_next`);
  await sql.unsafe(`create table ${leaf} partition of ${ctx.table(table)} ${bounds}`);
  await sql.unsafe(`drop table ${leaf}`);
};

/** Holdfast's rotation: created standalone, then attached; detached concurrently, then dropped. */
const rotateGently: Rotate = async (ctx, sql, table) => {
  const leaf = ctx.table(`${table}_next`);
  const parent = ctx.table(table);
  await sql.unsafe(`
    begin;
    create table ${leaf} (like ${parent} including defaults including constraints);
    alter table ${leaf} add constraint bound
      check (ts is not null and ts >= ${from} and ts < ${to});
    alter table ${parent} attach partition ${leaf} ${bounds};
    alter table ${leaf} drop constraint bound;
    commit;`).simple();
  await sql.unsafe(`alter table ${parent} detach partition ${leaf} concurrently`);
  await sql.unsafe(`drop table ${leaf}`);
};

const rest = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

function arm(role: Role, name: string, rotate: Rotate): Arm<Rotating> {
  const table = tableOf(role);
  return {
    name,
    async run(ctx, state) {
      let over = false;
      let worstMs = 0;
      const reading = state.reader.unsafe(
        `select pg_sleep(${readerMs / 1_000}) from (select count(*) from ${
          ctx.table(table)
        }) as seen`,
      ).execute();
      reading.catch(() => {}); // awaited below, unless the writer fails first
      await rest(headStartMs);
      const rotating = rotate(ctx, state.rotator, table).finally(() => over = true);
      rotating.catch(() => {});
      do {
        const started = ctx.now();
        await state.writer.unsafe(
          `insert into ${ctx.table(table)} values ('2029-12-31 12:00+00', 1)`,
        );
        worstMs = Math.max(worstMs, ctx.now() - started);
        state.written[role]++;
      } while (!over);
      await Promise.all([reading, rotating]);
      return { units: 1, elapsedMs: worstMs };
    },
  };
}

const rotation: BenchmarkCase<Rotating> = {
  id: "maintenance_stall",
  category: "partition_maintenance",
  title:
    `A writer's worst stall while a partition is made and removed behind a reader of ${readerMs} ms`,
  unit: "ms stall",
  shows: "time",
  target: defaultTargets.partition_maintenance,
  counts: true,
  arms: {
    baseline: arm("baseline", "create … partition of, drop table", rotateNaively),
    candidate: arm(
      "candidate",
      "made standalone, attached under a CHECK, detached concurrently, dropped",
      rotateGently,
    ),
  },
  async setup(ctx) {
    for (const role of roles) {
      const table = ctx.table(tableOf(role));
      await ctx.sql.unsafe(`
        create table ${table} (ts timestamptz not null, n int4 not null) partition by range (ts);
        create table ${ctx.table(`${tableOf(role)}_now`)} partition of ${table}
          for values from ('2029-12-31 00:00+00') to ('2030-01-01 00:00+00');`).simple();
    }
    return {
      writer: ctx.connect(1),
      reader: ctx.connect(1),
      rotator: ctx.connect(1),
      written: { baseline: 0, candidate: 0 },
    };
  },
  async verify(ctx, { written }) {
    for (const role of roles) {
      const [found] = await ctx.sql.unsafe<{ rows: number; leaves: number }[]>(`
        select
          (select count(*)::int4 from ${ctx.table(tableOf(role))}) as rows,
          (select count(*)::int4 from pg_inherits
           where inhparent = ${quoteLiteral(ctx.table(tableOf(role)))}::regclass) as leaves`);
      if (found?.rows !== written[role] || found.leaves !== 1) {
        return { problem: `${role} kept ${found?.rows} of ${written[role]} rows`, notes: [] };
      }
    }
    return { problem: null, notes: ["All rows written meanwhile are present"] };
  },
};

export const maintenanceCases: readonly BenchmarkCase[] = [rotation];
