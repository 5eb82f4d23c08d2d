import type {
  ArmWork,
  BenchmarkCase,
  BenchmarkContext,
} from "../../../services/benchmarks/case.ts";
import { createRandom } from "../../../services/benchmarks/measuring/random.ts";
import { type ClientOptions, type Done, openClients } from "./clients.ts";
import { questionOf } from "./select_only.ts";

export interface Comparison extends ClientOptions {
  clients: number;
  /** Seconds of one slot; pgbench accepts only integers. */
  seconds: number;
  /** Runs pgbench on the same database and returns its output. */
  pgbench(args: string[]): Promise<string>;
}

/** Connects clients, lets them work for `ms` and disconnects them, as each run of pgbench does. */
type Ours = (ctx: BenchmarkContext, ms: number, seed: number) => Promise<Done>;

interface State {
  /** Counts slots, so that each has a seed of its own. */
  slots: number;
  /** Index scans of the accounts when the case began. */
  scans: number;
  script: string | undefined;
}

/** The planner reads the ends of an index now and then (get_actual_variable_range), which counts as a scan. */
const planningShare = 0.001;
/** The server updates its counters after the end of a session; milliseconds. */
const countsWithinMs = 10_000;

/** Returns the number of scans of the accounts' index: one per query, because no other session reads it. */
async function indexScans({ sql }: BenchmarkContext): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select idx_scan::float8 as count
    from pg_stat_user_tables
    where relid = 'pgbench_accounts'::regclass`;
  return row?.count ?? NaN;
}

/** Reads from the output of pgbench the transactions and their time without connecting. */
export function readPgbench(output: string): ArmWork {
  const units = Number(/transactions actually processed: (\d+)/.exec(output)?.[1]);
  const rate = Number(/tps = ([\d.]+) \(without/.exec(output)?.[1]);
  const failed = Number(/failed transactions: (\d+)/.exec(output)?.[1] ?? 0);
  if (!(units > 0 && rate > 0)) throw new Error(`pgbench said:\n${output}`);
  if (failed > 0) throw new Error(`${failed} transactions of pgbench failed`);
  return { units, elapsedMs: units / rate * 1_000 };
}

function overLibpq({ clients, libpq, conninfo, span }: Comparison): Ours {
  return async (_, ms, seed) => {
    const opened = await openClients(clients, { libpq, conninfo, span, seed });
    const done = await opened.work(ms);
    await opened.close();
    return done;
  };
}

/** Works as all other cases: one thread with `clients` connections. */
function overDriver({ clients, span }: Comparison): Ours {
  const { query, draw } = questionOf(span);
  return async (ctx, ms, seed) => {
    const sql = ctx.connect(clients);
    await Promise.all(Array.from({ length: clients }, () => sql`select pg_sleep(0.01)`));
    const started = performance.now();
    let queries = 0;
    await Promise.all(Array.from({ length: clients }, async (_, number) => {
      const random = createRandom(seed * 100 + number);
      while (performance.now() - started < ms) {
        const params: number[] = [];
        draw(random, params);
        const rows = await sql.unsafe(query, params, { prepare: true });
        if (rows.length !== 1) throw new Error(`A query answered ${rows.length} rows`);
        queries++;
      }
    }));
    const elapsedMs = performance.now() - started;
    await ctx.disconnect(sql);
    return { queries, elapsedMs };
  };
}

/** Creates the comparison of pgbench with the same queries through this runner, over libpq or postgres.js. */
export function againstPgbench(
  comparison: Comparison,
  over: "libpq" | "postgres.js",
): BenchmarkCase<State> {
  const { clients, seconds, span, pgbench } = comparison;
  const ours = over === "libpq" ? overLibpq(comparison) : overDriver(comparison);
  return {
    id: over === "libpq" ? "pgbench_over_libpq" : "pgbench_over_postgres_js",
    category: "custom",
    title: `pgbench -S and the same through this runner, over ${over}`,
    unit: "queries/s",
    target: -0.1,
    counts: true,
    arms: {
      baseline: {
        name: "pgbench",
        async run(_, state) {
          return readPgbench(
            await pgbench([
              ...(state.script === undefined ? ["-S"] : ["-f", state.script]),
              ...["-n", "-M", "prepared", "-c", String(clients), "-j", String(clients)],
              ...["-T", String(seconds), `--random-seed=${++state.slots}`],
            ]),
          );
        },
      },
      candidate: {
        name: `this runner over ${over}`,
        async run(ctx, state) {
          const { queries, elapsedMs } = await ours(ctx, seconds * 1_000, ++state.slots);
          return { units: queries, elapsedMs };
        },
      },
    },
    async setup(ctx) {
      let script: string | undefined;
      const text = questionOf(span).script;
      if (text !== undefined) {
        script = await Deno.makeTempFile({ suffix: ".sql" });
        await Deno.writeTextFile(script, text);
      }
      return { slots: 0, scans: await indexScans(ctx), script };
    },
    async verify(ctx, state, { baseline, candidate }) {
      const claimed = baseline.units + candidate.units;
      const until = ctx.now() + countsWithinMs;
      let counted = NaN;
      let right = false;
      while (!right && ctx.now() < until) {
        await new Promise((done) => setTimeout(done, 200));
        counted = await indexScans(ctx) - state.scans;
        right = counted >= claimed && counted <= claimed * (1 + planningShare);
      }
      return {
        problem: right
          ? null
          : `both say they asked ${claimed} queries; the server counted ${counted}`,
        notes: [`the server counted ${counted} index scans for ${claimed} queries`],
      };
    },
    async teardown(_, { script }) {
      if (script !== undefined) await Deno.remove(script);
    },
  };
}
