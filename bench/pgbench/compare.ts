import { parseArgs } from "node:util";
import { connectSql, type Sql } from "../../db/connection.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { estimate } from "../../services/benchmarks/statistics.ts";

const usage = `deno task bench:pgbench --database URL [--pgbench /usr/lib/postgresql/15/bin/pgbench]
                        [--rounds 8] [--seconds 3] [--clients 4] [--span 1]

Runs pgbench and the same work through this runner's client in alternating rounds on one server, whose tables
pgbench -i makes first, and says how far apart they are. For a scratch database only. With --span 1 it is pgbench -S,
one row a query; with more each query sums up so many rows, and the client's own cost matters less.`;

interface Work {
  clients: number;
  seconds: number;
  /** Rows a query reads. */
  span: number;
}

const scale = 10;
const accounts = 100_000 * scale;

/** The work of pgbench's script: rows of pgbench_accounts by their key, prepared, each client one query at a time. */
async function selectOnly(sql: Sql, { clients, seconds, span }: Work, seed: number) {
  const started = performance.now();
  let done = 0;
  const client = async (number: number) => {
    const random = createRandom(seed * 100 + number);
    while (performance.now() - started < seconds * 1_000) {
      const aid = 1 + random.int(accounts - span + 1);
      await (span === 1
        ? sql`select abalance from pgbench_accounts where aid = ${aid}`
        : sql`select sum(abalance) from pgbench_accounts where aid between ${aid} and ${
          aid + span - 1
        }`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return done / (performance.now() - started) * 1_000;
}

async function pgbench(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      database: { type: "string" },
      pgbench: { type: "string", default: "/usr/lib/postgresql/15/bin/pgbench" },
      rounds: { type: "string", default: "8" },
      seconds: { type: "string", default: "3" },
      clients: { type: "string", default: "4" },
      span: { type: "string", default: "1" },
    },
  });
  if (!values.database) {
    console.error(usage);
    return 2;
  }
  const rounds = Number(values.rounds);
  const work: Work = {
    clients: Number(values.clients),
    seconds: Number(values.seconds),
    span: Number(values.span),
  };
  const script = await Deno.makeTempFile({ suffix: ".sql" });
  await Deno.writeTextFile(
    script,
    `\\set aid random(1, ${accounts - work.span + 1})
select sum(abalance) from pgbench_accounts where aid between :aid and :aid + ${work.span - 1};
`,
  );
  await pgbench(values.pgbench, ["-i", "-q", "-s", String(scale), values.database]);
  const sql = connectSql({
    target: { kind: "url", url: values.database },
    max: work.clients,
    applicationName: "holdfast-bench",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  await selectOnly(sql, { ...work, seconds: 1 }, 0);
  const logRatios: number[] = [];
  const theirs = async (round: number) => {
    const answer = await pgbench(values.pgbench, [
      ...(work.span === 1 ? ["-S"] : ["-f", script]),
      ...["-n", "-M", "prepared", "-c", String(work.clients), "-j", "1"],
      ...["-T", String(work.seconds), `--random-seed=${round + 1}`, values.database!],
    ]);
    return Number(/tps = ([\d.]+)/.exec(answer)?.[1]);
  };
  const ours = (round: number) => selectOnly(sql, work, round);
  for (let round = 0; round < rounds; round++) {
    // ABBA: neither is always first.
    const first = round % 4 === 0 || round % 4 === 3;
    const one = first ? await theirs(round) : await ours(round);
    const two = first ? await ours(round) : await theirs(round);
    const [their, our] = first ? [one, two] : [two, one];
    logRatios.push(Math.log(our / their));
    console.log(
      `round ${round + 1}: pgbench ${their.toFixed(0)} tps, this runner ${our.toFixed(0)}`,
    );
  }
  await sql.end();
  await Deno.remove(script);
  const found = estimate([logRatios], createRandom(1));
  const percent = (log: number) => `${(Math.expm1(log) * 100).toFixed(1)} %`;
  if (found) {
    console.log(
      `this runner against pgbench: ${percent(found.value)} [${percent(found.low)}, ${
        percent(found.high)
      }]`,
    );
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main());
