import { setTimeout as delay } from "node:timers/promises";
import { targetOf } from "../db/address/target.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { createPool, type Pool } from "../db/pool/pool.ts";
import { readEngine, whyNotEngine } from "../db/server/engine.ts";
import { HoldfastError, StartError } from "../errors.ts";
import { carryOut, readPlacement } from "../services/citus/distribution.ts";
import { type PlacementPlan, planDistribution, planReturn } from "../services/citus/placement.ts";
import { readArguments, refusePositionals } from "./common/arguments.ts";
import type { CommandContext } from "./serve.ts";

const help = `Distributes market.ticks and market.candles_1m over the workers of Citus.

  deno task distribute [--undo] [--apply]

  --undo       brings both tables, with all rows, back to the coordinator
  --apply      carries the plan out, one statement after the other; without it, the plan is only printed
  -h, --help   this text

Stop uploads first: while rows are copied, they wait. Run it again after an interruption to continue. See docs/citus.md`;

/** Prints a plan, each statement with its lock. */
function print({ statements, refused, skipped }: PlacementPlan): void {
  for (const reason of refused) console.error(`Nothing is done: ${reason}`);
  for (const reason of skipped) console.log(`-- ${reason}`);
  for (const { sql, lock, reason } of statements) {
    console.log(`-- ${reason}\n-- lock: ${lock}\n${sql};`);
  }
  if (refused.length === 0 && statements.length === 0) console.log("-- nothing is to be done");
}

async function applyPlan(pool: Pool, { statements }: PlacementPlan): Promise<void> {
  for (const [at, statement] of statements.entries()) {
    await carryOut(pool, statement, (ms) => delay(ms));
    console.error(`${at + 1} of ${statements.length} done`);
  }
}

/** Runs `deno task distribute`: plans where the tables belong on Citus, and with --apply puts them there. */
export async function distribute(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("distribute", args, {
    undo: { type: "boolean" },
    apply: { type: "boolean" },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  refusePositionals("distribute", positionals);
  const { config } = context;
  if (!config.DATABASE_URL) {
    throw new StartError("The embedded Postgres has no Citus: let DATABASE_URL name a coordinator");
  }
  const pool = createPool({
    target: targetOf(config.DATABASE_URL, config.libpqVariables),
    pooler: { pooled: config.HOLDFAST_POOLER === "transaction" },
    max: 1,
    waitingMax: 1,
    applicationName: "holdfast-distribute",
    statementTimeoutMs: 3_600_000,
    lockTimeoutMs: 2_000,
  });
  try {
    const found = await pool.run(readEngine);
    const refusal = whyNotEngine(found, config.HOLDFAST_ENGINE);
    if (refusal !== undefined) throw new StartError(refusal);
    if (found.engine !== "citus") {
      throw new StartError("The database has no Citus: create extension citus, and add workers");
    }
    const facts = await pool.run(readPlacement, { deadlineMs: 3_600_000 });
    const plan = values.undo ? planReturn(facts) : planDistribution(facts);
    print(plan);
    if (plan.refused.length > 0) return 1;
    if (values.apply) await applyPlan(pool, plan);
    return 0;
  } catch (error) {
    if (error instanceof StartError) throw error;
    const text = error instanceof HoldfastError ? error.message : describeDatabaseError(error);
    throw new StartError(text, { cause: error });
  } finally {
    await pool.end();
  }
}
