import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import {
  findOpenRewrite,
  findRewrite,
  listRewrites,
  type RewritePlan,
  type RewritePosition,
  type RewriteRow,
} from "../../../db/partitions/rewrite/rewrites.ts";
import type { RewriteSpec } from "../../../db/partitions/rewrite/spec.ts";
import { deletePolicy, putPolicy } from "../../../db/partitions/records/policies.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Policies, type PolicyInput } from "../policy_service.ts";
import type { Policy } from "../policy.ts";
import { createBackground, createReporter } from "./background.ts";
import { createRewriteRunner, type RewriteRunnerOptions } from "./runner.ts";
import { type ConversionPlan, planConversion, readTable } from "./convert/plan.ts";

export interface ConversionInput {
  /** `schema.table`, unquoted. */
  table: string;
  keyColumn: string;
  widenKeys: boolean;
  policy: PolicyInput;
}

export type ConversionAction = "undo" | "finish" | "cancel";

export interface Conversions {
  /** Returns what a conversion would do and why it cannot be done; changes nothing. */
  plan(input: ConversionInput): Promise<ConversionPlan>;
  /** Begins the conversion of this digest; throws `catalogue_changed` when the present plan has another digest. */
  start(input: ConversionInput, digest: string): Promise<RewriteRow>;
  /** Undoes or finishes after the swap, or cancels before it. */
  act(table: string, action: ConversionAction): Promise<RewriteRow>;
  /** Begins a planned drain of a default partition, and continues it in the background. */
  beginDrain(
    table: TableName,
    drain: { begin: readonly string[]; spec: RewriteSpec },
  ): Promise<void>;
  list(page?: { limit?: number; after?: RewritePosition | undefined }): Promise<RewriteRow[]>;
  /** Returns one rewrite. Throws `not_found`. */
  get(id: string): Promise<RewriteRow>;
  /** Continues all rewrites under way, until each needs no more work or waits for somebody. */
  advance(): Promise<void>;
  /** Starts to continue them in the background. */
  wake(): void;
  stop(): Promise<void>;
}

const phases = { undo: "undoing", finish: "finishing", cancel: "cancelling" } as const;

export interface ConversionOptions extends Pick<RewriteRunnerOptions, "pause"> {
  pool: Pool;
  policies: Pick<Policies, "complete">;
  config: Pick<Config, "HOLDFAST_MAX_PARTITIONS" | "HOLDFAST_BACKFILL_HORIZON_DAYS">;
  clock: Clock;
  log: Logger;
  /** Called with the rewrites whenever one of them has made progress, at most once a second. */
  onProgress?: (rewrites: RewriteRow[]) => void;
  onChange?: () => void;
  /** Whether a drain continues in the background once it has begun. */
  goesOn?: boolean;
}

const isActive = ({ ended_at, phase }: RewriteRow) => ended_at === null && phase !== "swapped";

/** Stores the policy of a conversion, or deletes it. */
async function keepPolicy(sql: Sql, { spec }: RewriteRow, keep: boolean): Promise<void> {
  const policy = spec.policy as Policy | null;
  if (!policy) return;
  if (keep) await putPolicy(sql, policy);
  else await deletePolicy(sql, policy);
}

/** Plans a conversion. Throws `not_found` when there is no such table. */
async function planFor(
  { pool, policies, config, clock }: ConversionOptions,
  input: ConversionInput,
): Promise<ConversionPlan> {
  const policy = await policies.complete(input.table, input.policy);
  const context = {
    nowUs: BigInt(clock.now().getTime()) * 1_000n,
    maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
    horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
  };
  const request = { keyColumn: input.keyColumn, key: policy.key, widenKeys: input.widenKeys };
  const found = await pool.run((sql) => planConversion(sql, policy, request, context));
  if (!found) throw new HoldfastError("not_found", `There is no table ${input.table}`);
  const open = await pool.run((sql) => findOpenRewrite(sql, policy));
  if (open) found.refusals.unshift(`a conversion of it is ${open.phase}; finish or cancel that`);
  return found;
}

/** Throws `conflict` or `catalogue_changed` unless this is the plan of the digest and can be carried out. */
function approvedConversion(
  { refusals, conversion, ...plan }: ConversionPlan,
  table: string,
  digest: string,
): RewritePlan {
  const [refusal] = refusals;
  if (refusal !== undefined || !conversion) {
    throw new HoldfastError("conflict", `${table} cannot be converted: ${refusal}`);
  }
  if (plan.digest !== digest) {
    throw new HoldfastError(
      "catalogue_changed",
      "The table, its key or the clock has changed since this plan; plan again",
    );
  }
  return conversion;
}

/** Converts plain tables into partitioned ones while they are in use, and back. */
export function createConversions(options: ConversionOptions): Conversions {
  const { pool, clock, log, onProgress = () => {}, onChange = () => {}, goesOn = true } = options;
  const list = (limit?: number, after?: RewritePosition) =>
    pool.run((sql) => listRewrites(sql, limit, after));
  const reportProgress = createReporter(async () => onProgress(await list(20)));
  const runner = createRewriteRunner({
    pool,
    clock,
    log,
    ...(options.pause ? { pause: options.pause } : {}),
    keepPolicy,
    // The signature of a drain is the partitioned table's, that of a conversion the plain table's.
    signatureOf: async (sql, rewrite) => (await readTable(sql, rewrite))?.signature ?? "",
    onProgress: () => void reportProgress(),
  });
  const background = createBackground({
    log,
    run: advance,
    // After an error the next minute's run is soon enough.
    comesBack: async () => (await list()).some((one) => isActive(one) && one.error === null),
  });

  async function advance(): Promise<void> {
    const open = (await list()).filter(isActive);
    if (open.length === 0) return;
    for (const { id } of open) {
      if (background.signal.aborted) return;
      try {
        if (await runner.advance(id, background.signal)) onChange();
      } catch (error) {
        log.error("partition_rewrite_failed", { id, error: messageOf(error) });
      }
    }
    await reportProgress(true);
  }

  async function get(id: string): Promise<RewriteRow> {
    const found = await pool.run((sql) => findRewrite(sql, id));
    if (!found) throw new HoldfastError("not_found", `No conversion has the id ${id}`);
    return found;
  }

  return {
    plan: (input) => planFor(options, input),
    async start(input, digest) {
      const { begin, spec } = approvedConversion(
        await planFor(options, input),
        input.table,
        digest,
      );
      const { schema, table } = spec.source;
      const id = await runner.begin(
        { kind: "convert", schema, table, spec },
        begin.map(({ sql }) => sql),
      );
      return await get(id);
    },
    async act(table, action) {
      const found = (await list()).find((one) =>
        one.ended_at === null && `${one.schema}.${one.table}` === table
      );
      if (!found) {
        throw new HoldfastError("not_found", `${table} is not being converted or drained`);
      }
      await runner.redirect(found.id, phases[action]);
      return await get(found.id);
    },
    async beginDrain({ schema, table }, { begin, spec }) {
      await runner.begin({ kind: "drain", schema, table, spec }, begin);
      if (goesOn) background.wake();
    },
    list: ({ limit, after } = {}) => list(limit, after),
    get,
    advance,
    wake: background.wake,
    stop: background.stop,
  };
}
