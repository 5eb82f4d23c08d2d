import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import {
  findMove,
  findOpenRewrite,
  listRewrites,
  type MovePosition,
  type RewriteRow,
  type RewriteSpec,
} from "../../../db/partitions/rewrite/rewrites.ts";
import { deletePolicy, putPolicy } from "../../../db/partitions/policies.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Policies, type PolicyInput } from "../policy_service.ts";
import type { Policy } from "../policy.ts";
import { createRewriteRunner, type RewriteRunnerOptions } from "./runner.ts";
import { type ConversionPlan, planConversion, readTable } from "./convert/plan.ts";

export interface ConversionInput {
  /** schema.name, unquoted. */
  table: string;
  keyColumn: string;
  widenKeys: boolean;
  policy: PolicyInput;
}

export type ConversionAction = "undo" | "finish" | "cancel";

export interface Conversions {
  /** What a conversion would do and what keeps it from being done; changes nothing. */
  plan(input: ConversionInput): Promise<ConversionPlan>;
  /** Begins the conversion of this digest; throws `catalogue_changed` when the present plan is another one. */
  start(input: ConversionInput, digest: string): Promise<RewriteRow>;
  /** Undoes (after the swap), finishes for good (after it), or cancels (before it). */
  act(table: string, action: ConversionAction): Promise<RewriteRow>;
  /** Begins the drain of a default partition, as planned, and goes on with it. */
  beginDrain(
    table: TableName,
    drain: { begin: readonly string[]; spec: RewriteSpec },
  ): Promise<void>;
  list(page?: { limit?: number; after?: MovePosition | undefined }): Promise<RewriteRow[]>;
  /** One of them. Throws `not_found`. */
  get(id: string): Promise<RewriteRow>;
  /** Goes on with all that is under way, until it rests or waits for somebody. */
  advance(): Promise<void>;
  /** Begins to go on, and does not wait for it. */
  wake(): void;
  stop(): Promise<void>;
}

const comeBackMs = 2_000;
const turns = { undo: "undoing", finish: "finishing", cancel: "cancelling" } as const;

/** Turns plain tables into partitioned ones while they are in use, and back. */
export function createConversions(
  {
    pool,
    policies,
    config,
    clock,
    log,
    onProgress = () => {},
    onChange = () => {},
    goesOn = true,
    ...options
  }: {
    pool: Pool;
    policies: Pick<Policies, "complete">;
    config: Pick<Config, "HOLDFAST_MAX_PARTITIONS" | "HOLDFAST_BACKFILL_HORIZON_DAYS">;
    clock: Clock;
    log: Logger;
    /** Told how far moves are, whenever one is further. */
    onProgress?: (moves: RewriteRow[]) => void;
    onChange?: () => void;
    /** Whether a drain goes on by itself once it has begun. */
    goesOn?: boolean;
  } & Pick<RewriteRunnerOptions, "pause">,
): Conversions {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let toldAt = 0;

  async function keepPolicy(sql: Sql, { spec }: RewriteRow, keep: boolean): Promise<void> {
    const policy = spec.policy as Policy | null;
    if (!policy) return;
    if (keep) await putPolicy(sql, policy);
    else await deletePolicy(sql, policy);
  }

  const runner = createRewriteRunner({
    pool,
    clock,
    log,
    ...options,
    keepPolicy,
    // A drain rests on the partitioned table, a conversion on the plain one.
    signatureOf: async (sql, move) => (await readTable(sql, move))?.signature ?? "",
    onProgress: () => void tell(),
  });

  /** Some of the steps take milliseconds: told once a second is often enough. */
  async function tell(now = false): Promise<void> {
    if (!now && performance.now() - toldAt < 1_000) return;
    toldAt = performance.now();
    try {
      onProgress(await pool.run((sql) => listRewrites(sql, 20)));
    } catch {
      // The next step tells it.
    }
  }

  async function plan(input: ConversionInput): Promise<ConversionPlan> {
    const policy = await policies.complete(input.table, input.policy);
    const context = {
      nowUs: BigInt(clock.now().getTime()) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
    const wish = { keyColumn: input.keyColumn, key: policy.key, widenKeys: input.widenKeys };
    const found = await pool.run((sql) => planConversion(sql, policy, wish, context));
    if (!found) throw new HoldfastError("not_found", `There is no table ${input.table}`);
    const open = await pool.run((sql) => findOpenRewrite(sql, policy));
    if (open) found.refusals.unshift(`a conversion of it is ${open.phase}; finish or cancel that`);
    return found;
  }

  async function openMove(table: string): Promise<RewriteRow> {
    const moves = await pool.run((sql) => listRewrites(sql));
    const found = moves.find((move) =>
      move.ended_at === null && `${move.schema}.${move.table}` === table
    );
    if (!found) throw new HoldfastError("not_found", `${table} is not being converted or drained`);
    return found;
  }

  async function find(id: string): Promise<RewriteRow> {
    const found = await pool.run((sql) => findMove(sql, id));
    if (!found) throw new HoldfastError("not_found", `No conversion has the id ${id}`);
    return found;
  }

  async function advance(): Promise<void> {
    const open = (await pool.run((sql) => listRewrites(sql))).filter(({ ended_at, phase }) =>
      ended_at === null && phase !== "swapped"
    );
    if (open.length === 0) return;
    for (const { id } of open) {
      if (stopping.signal.aborted) return;
      try {
        if (await runner.advance(id, stopping.signal)) onChange();
      } catch (error) {
        log.error("partition_move_failed", { id, error: messageOf(error) });
      }
    }
    await tell(true);
  }

  /** Goes on, and comes back soon while somebody is waited for; after an error the next minute will do. */
  async function goOn(): Promise<void> {
    await advance();
    const moves = await pool.run((sql) => listRewrites(sql));
    const waiting = moves.some(({ phase, error, ended_at }) =>
      ended_at === null && phase !== "swapped" && error === null
    );
    if (waiting && !stopping.signal.aborted) timer = setTimeout(wake, comeBackMs);
  }

  function wake(): void {
    clearTimeout(timer);
    running ??= goOn().catch((error) =>
      log.error("partition_move_failed", { error: messageOf(error) })
    ).finally(() => running = undefined);
  }

  return {
    plan,
    async start(input, digest) {
      const found = await plan(input);
      const [refusal] = found.refusals;
      if (refusal !== undefined || !found.conversion) {
        throw new HoldfastError("conflict", `${input.table} cannot be converted: ${refusal}`);
      }
      if (found.digest !== digest) {
        throw new HoldfastError(
          "catalogue_changed",
          "The table, its key or the clock have moved on since this plan; plan again",
        );
      }
      const { begin, spec } = found.conversion;
      const { schema, table } = spec.source;
      const id = await runner.begin(
        { kind: "convert", schema, table, spec },
        begin.map(({ sql }) => sql),
      );
      return await find(id);
    },
    async act(table, action) {
      const { id } = await openMove(table);
      await runner.turn(id, turns[action]);
      return await find(id);
    },
    async beginDrain({ schema, table }, { begin, spec }) {
      await runner.begin({ kind: "drain", schema, table, spec }, begin);
      if (goesOn) wake();
    },
    list: ({ limit, after } = {}) => pool.run((sql) => listRewrites(sql, limit, after)),
    get: find,
    advance,
    wake,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
