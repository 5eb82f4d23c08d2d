/**
 * Compares a foreign key with a trigger: what the reference of every tick to its instrument costs a COPY, and what it ensures.
 * `deno run -P=bench bench/studies/guard_or_key.ts [rows] [rounds]`
 */
import { connectSql, type Sql } from "../../db/connection.ts";
import { CopyEncoder, copyIn } from "../../db/copy.ts";
import { quoteIdent, quoteLiteral } from "../../db/sql.ts";
import { messageOf } from "../../errors.ts";
import { startTempServer } from "../temp_server.ts";
import { type BenchTick, createTickSource, firstTickUs, timestampOf } from "../cases/ticks.ts";

const rows = Number(Deno.args[0] ?? 400_000);
const rounds = Number(Deno.args[1] ?? 7);
/** Rows of one COPY, as in ingest. */
const copyRows = 20_000;
const instruments = 400;
const dayUs = 86_400_000_000;

interface Arm {
  name: string;
  schema: string;
  /** Returns the statements to run after the tables are created. */
  setup(schema: string): string;
  /** Locks the instruments as ingest does. */
  hold: boolean;
}

const guard = (schema: string) => `
  create function ${schema}.guard() returns trigger language plpgsql as $guard$
  begin
    if tg_op = 'DELETE' then
      if exists (select 1 from ${schema}.ticks as t where t.instrument_id = old.id) then
        raise restrict_violation using message = 'referenced';
      end if;
      return old;
    end if;
    if exists (select 1 from ${schema}.ticks) then
      raise restrict_violation using message = 'referenced';
    end if;
    return null;
  end $guard$;
  create trigger guard_delete before delete on ${schema}.instruments
    for each row execute function ${schema}.guard();
  create trigger guard_truncate before truncate on ${schema}.instruments
    for each statement execute function ${schema}.guard();`;

const arms: Arm[] = [
  { name: "nothing", schema: "bare", hold: false, setup: () => "" },
  {
    name: "foreign key",
    schema: "keyed",
    hold: false,
    setup: (schema) =>
      `alter table ${schema}.ticks add foreign key (instrument_id)
       references ${schema}.instruments (id) on delete restrict;`,
  },
  { name: "guard and key share", schema: "guarded", hold: true, setup: guard },
  {
    name: "guard and a check per statement",
    schema: "checked",
    hold: false,
    setup: (schema) =>
      guard(schema) + `
      create function ${schema}.hold() returns trigger language plpgsql as $hold$
      begin
        if exists (select from added where instrument_id not in (
          select id from ${schema}.instruments where id in (select instrument_id from added) for key share
        )) then
          raise foreign_key_violation;
        end if;
        return null;
      end $hold$;
      create trigger hold after insert on ${schema}.ticks referencing new table as added
        for each statement execute function ${schema}.hold();`,
  },
];

async function create(sql: Sql, { schema, setup }: Arm): Promise<void> {
  const first = firstTickUs - firstTickUs % dayUs;
  const days = Math.ceil(rows * 100_000 / dayUs) + 2;
  const leaves = Array.from(
    { length: days },
    (_, day) =>
      `create table ${schema}.${quoteIdent(`ticks_p${day}`)} partition of ${schema}.ticks
     for values from (${quoteLiteral(timestampOf(first + day * dayUs))})
     to (${quoteLiteral(timestampOf(first + (day + 1) * dayUs))}) with (autovacuum_enabled = off);`,
  );
  await sql.unsafe(`
    create schema ${schema};
    create table ${schema}.instruments (id int4 primary key, symbol text not null);
    insert into ${schema}.instruments select n, 'S' || n from generate_series(1, ${instruments}) as n;
    create table ${schema}.ticks (
      ts timestamptz not null, price double precision not null, size double precision not null,
      seq bigint not null, instrument_id int4 not null, exchange text, side text, trade_id text
    ) partition by range (ts);
    create index on ${schema}.ticks (instrument_id, ts);
    create index on ${schema}.ticks using brin (ts);
    ${leaves.join("\n")}
    ${setup(schema)}`).simple();
}

function encode(ticks: readonly BenchTick[], first: number): Uint8Array {
  const encoder = new CopyEncoder();
  for (const [at, tick] of ticks.entries()) {
    encoder.row(8);
    encoder.timestamp(tick.tsUs);
    encoder.float8(tick.priceCents / 100);
    encoder.float8(tick.size);
    encoder.int8(0, first + at);
    encoder.int4(tick.instrumentId);
    encoder.text(tick.exchange);
    encoder.text(null);
    encoder.text(null);
  }
  return encoder.rows();
}

/** Returns the milliseconds of one upload: a transaction of COPYs into the emptied table. */
async function upload(sql: Sql, { schema, hold }: Arm, bodies: Uint8Array[]): Promise<number> {
  await sql.unsafe(`truncate ${schema}.ticks`);
  await sql`checkpoint`;
  const started = performance.now();
  await sql`begin`;
  if (hold) await sql.unsafe(`select id from ${schema}.instruments order by id for key share`);
  for (const body of bodies) {
    await copyIn(
      sql,
      `copy ${schema}.ticks (ts, price, size, seq, instrument_id, exchange, side, trade_id)
       from stdin (format binary)`,
      body,
    );
  }
  await sql`commit`;
  return performance.now() - started;
}

async function whatHappens(sql: Sql, schema: string, statement: string): Promise<string> {
  await sql`begin`;
  try {
    await sql.unsafe(statement);
    const [row] = await sql.unsafe(`select count(*)::int8 as ticks from ${schema}.ticks`);
    return `done; ticks left: ${row?.ticks}`;
  } catch (error) {
    return `refused: ${messageOf(error)}`;
  } finally {
    await sql`rollback`;
  }
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const server = await startTempServer();
const sql = connectSql({
  target: server.target,
  max: 1,
  applicationName: "holdfast-bench",
  statementTimeoutMs: 120_000,
  lockTimeoutMs: 5_000,
  pooled: false,
});
try {
  for (const arm of arms) await create(sql, arm);
  const source = createTickSource(1);
  const bodies = Array.from(
    { length: Math.ceil(rows / copyRows) },
    (_, at) => encode(source.next(Math.min(copyRows, rows - at * copyRows)), at * copyRows),
  );
  const times = new Map(arms.map(({ name }) => [name, [] as number[]]));
  for (const arm of arms) await upload(sql, arm, bodies); // warm-up
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another arm, so that no arm always has the same place.
    for (let at = 0; at < arms.length; at++) {
      const arm = arms[(at + round) % arms.length]!;
      times.get(arm.name)?.push(await upload(sql, arm, bodies));
    }
  }
  const bare = median(times.get("nothing") ?? []);
  console.log(`${rows} rows, COPYs of ${copyRows} in one transaction, ${rounds} rounds\n`);
  console.log("| held by | median ms | rows/s | time over nothing | fastest to slowest ms |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const [name, ms] of times) {
    const middle = median(ms);
    const sorted = ms.toSorted((a, b) => a - b);
    console.log(
      `| ${name} | ${middle.toFixed(0)} | ${Math.round(rows / middle * 1000)} | ${
        (middle / bare).toFixed(2)
      } | ${sorted[0]?.toFixed(0)} to ${sorted.at(-1)?.toFixed(0)} |`,
    );
  }
  for (const { name, schema } of arms) {
    console.log(`\n${name}:`);
    for (
      const statement of [
        `delete from ${schema}.instruments where id = 1`,
        `truncate ${schema}.instruments cascade`,
        `insert into ${schema}.ticks values (${
          quoteLiteral(timestampOf(firstTickUs))
        }, 1, 1, 0, 0)`,
      ]
    ) console.log(`  ${statement}: ${await whatHappens(sql, schema, statement)}`);
  }
} finally {
  await sql.end({ timeout: 2 });
  await server.stop();
}
