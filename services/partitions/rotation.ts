import type { Config } from "../../config.ts";
import type { Pool } from "../../db/pool.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import {
  attachStatements,
  detachStatement,
  logMaintenance,
  type MaintenanceEntry,
  takenNames,
} from "../../db/partitions.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import { dayOf } from "../ingest/timestamp.ts";
import type { Catalogue, Leaf } from "./catalogue.ts";
import { expiredRanges, planDays, type PlannedDay, premadeDays } from "./plan.ts";

const ticks = { schema: "market", table: "ticks" };
/** One transaction's worth: each attach holds a lock until commit. */
const daysPerTransaction = 30;
const attempts = 4;

export interface RotationResult {
  created: string[];
  detached: string[];
  errors: string[];
}

export interface Rotation {
  /** Makes the leaves these days need; cheap when they are known to exist. */
  ensureDays(days: Iterable<number>): Promise<void>;
  /** Premakes ahead and detaches what retention gives up. Never throws: problems are in the result. */
  rotate(reason: string): Promise<RotationResult>;
  /** Forgets which days are known to exist, after an insert found no partition. */
  forget(): void;
}

/** Keeps the daily leaves of market.ticks ahead of the clock and of the data. */
export function createRotation(
  { pool, catalogue, config, clock, log, onChange = () => {} }: {
    pool: Pool;
    catalogue: Catalogue;
    config: Pick<
      Config,
      "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS" | "HOLDFAST_MAX_PARTITIONS"
    >;
    clock: Clock;
    log: Logger;
    onChange?: () => void;
  },
): Rotation {
  const known = new Set<number>();
  let queue: Promise<unknown> = Promise.resolve();

  /** One change of the partition tree at a time in this process; the advisory lock does it for others. */
  function serially<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work, work);
    queue = turn.catch(() => {});
    return turn;
  }

  async function attach(days: PlannedDay[], reason: string): Promise<void> {
    const started = performance.now();
    const entries = (error: string | null): MaintenanceEntry[] =>
      days.map(({ name }) => ({
        action: "attach",
        table_name: "market.ticks",
        partition_name: name,
        reason,
        duration_ms: (performance.now() - started) / days.length,
        error,
      }));
    await pool.transaction(async (sql) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotate', 0))`;
      // Another Holdfast may have made some of them while this one waited.
      const leaves = await catalogue.leaves(sql, ticks);
      const missing = planDays("ticks", days.map(({ day }) => day), rangesOf(leaves));
      for (const { name, from, to } of missing) {
        for (const statement of attachStatements({ ...ticks, name, key: "ts", from, to })) {
          await sql.unsafe(statement);
        }
      }
      await logMaintenance(sql, entries(null));
    });
  }

  async function attachWithRetries(days: PlannedDay[], reason: string): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        return await attach(days, reason);
      } catch (error) {
        const state = codeOf(error);
        if (state !== "55P03" || attempt === attempts) throw error;
        log.warn("partition_attach_waits_for_lock", {
          attempt,
          partitions: days.map((d) => d.name),
        });
        await new Promise((done) => setTimeout(done, 100 * 4 ** attempt * (0.5 + Math.random())));
      }
    }
  }

  async function create(wanted: number[], reason: string): Promise<string[]> {
    const leaves = await pool.run((sql) => catalogue.leaves(sql, ticks));
    const planned = planDays("ticks", wanted, rangesOf(leaves));
    if (leaves.length + planned.length > config.HOLDFAST_MAX_PARTITIONS) {
      throw new HoldfastError(
        "too_many_partitions",
        `These ticks need ${planned.length} more daily partitions; market.ticks has ${leaves.length} of at most ${config.HOLDFAST_MAX_PARTITIONS}`,
      );
    }
    const names = planned.map(({ name }) => name);
    const taken = names.length === 0
      ? []
      : await pool.run((sql) => takenNames(sql, ticks.schema, names));
    if (taken.length > 0) {
      throw new HoldfastError(
        "conflict",
        `market.${
          taken[0]
        } exists and is not attached to market.ticks; attach it again, or rename it`,
      );
    }
    for (let at = 0; at < planned.length; at += daysPerTransaction) {
      await attachWithRetries(planned.slice(at, at + daysPerTransaction), reason);
    }
    for (const day of wanted) known.add(day);
    if (planned.length > 0) {
      log.info("partitions_created", { reason, partitions: planned.map(({ name }) => name) });
      onChange();
    }
    return planned.map(({ name }) => name);
  }

  async function detach(leaf: Leaf, finalize: boolean, reason: string): Promise<void> {
    const started = performance.now();
    let failure: unknown;
    try {
      await pool.run((sql) =>
        sql.unsafe(detachStatement(ticks, { schema: leaf.schema, table: leaf.name }, finalize))
      );
    } catch (error) {
      failure = error;
    }
    const entry = {
      action: finalize ? "finalize" : "detach",
      table_name: "market.ticks",
      partition_name: leaf.name,
      reason,
      duration_ms: performance.now() - started,
      error: failure === undefined ? null : describeDatabaseError(failure),
    };
    await pool.run((sql) => logMaintenance(sql, [entry]));
    if (failure !== undefined) throw failure;
    log.info("partition_detached", { partition: leaf.name, reason });
  }

  async function retire(): Promise<string[]> {
    const leaves = await pool.run((sql) => catalogue.leaves(sql, ticks));
    // A detach cut short hides rows and blocks other detaches until it is finished.
    for (const leaf of leaves.filter((one) => one.detach_pending)) {
      await detach(leaf, true, "finish a detach that was cut short");
    }
    const dated = leaves.flatMap((leaf) =>
      leaf.range && !leaf.detach_pending ? [{ leaf, ...leaf.range }] : []
    );
    const expired = expiredRanges(dated, today(), config.HOLDFAST_RETENTION_DAYS);
    const detached: string[] = [];
    for (const { leaf, fromUs } of expired) {
      await detach(leaf, false, `older than ${config.HOLDFAST_RETENTION_DAYS} days`);
      known.delete(dayOf(fromUs));
      detached.push(leaf.name);
    }
    return detached;
  }

  const today = () => dayOf(clock.now().getTime() * 1000);

  return {
    async ensureDays(days) {
      const missing = [...days].filter((day) => !known.has(day));
      if (missing.length === 0) return;
      await serially(() => create(missing, "ticks of these days arrived"));
    },
    async rotate(reason) {
      const result: RotationResult = { created: [], detached: [], errors: [] };
      await serially(async () => {
        try {
          result.created = await create(premadeDays(today(), config.HOLDFAST_PREMAKE_DAYS), reason);
        } catch (error) {
          result.errors.push(`premake: ${describeDatabaseError(error)}`);
        }
        try {
          result.detached = await retire();
          if (result.detached.length > 0) onChange();
        } catch (error) {
          result.errors.push(`retention: ${describeDatabaseError(error)}`);
        }
      });
      if (result.errors.length > 0) log.error("rotation_failed", { reason, errors: result.errors });
      return result;
    },
    forget: () => known.clear(),
  };
}

function rangesOf(leaves: readonly Leaf[]) {
  return leaves.flatMap(({ range }) => range ? [range] : []);
}
