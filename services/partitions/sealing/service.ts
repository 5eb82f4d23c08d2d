import { describeDatabaseError } from "../../../db/errors.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import {
  endSeal,
  listSealed,
  readManifest,
  recordVerified,
  unsealStatements,
} from "../../../db/partitions/proof/sealed.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import { abortablePool } from "../../../db/pool/abortable.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { setLockTimeout } from "../../../db/session/transaction.ts";
import { clientLeft, HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { endsWithin } from "../../../lib/deadline.ts";
import type { Clock } from "../../../lib/clock.ts";
import { tableOf } from "../policy.ts";
import { Manifest } from "./manifest.ts";
import { type Verdict, type VerifyProgress, verifySealed } from "./verify.ts";

/** A verification that runs or has ended. */
export interface Verification {
  status: "running" | "passed" | "failed" | "aborted";
  started_at: string;
  finished_at: string | null;
  table: string | null;
  progress: VerifyProgress;
  checked: number;
  differing: number;
  partitions: Verdict[];
  error: string | null;
}

export interface VerificationRequest {
  table?: string | undefined;
  partition?: string | undefined;
}

export interface Verifications {
  /**
   * Starts one and waits for it up to `waitMs`; it ends when `client` aborts in that time. Throws `conflict` while another
   * runs, `not_found` for a leaf that is not sealed.
   */
  verify(
    request: VerificationRequest,
    waitMs: number,
    client?: AbortSignal,
  ): Promise<Verification>;
  /** Returns the one that runs, or the last one. */
  latest(): Verification | undefined;
  /** Returns the manifest of a sealed leaf. Throws `not_found`. */
  manifest(table: string, partition: string): Promise<Manifest>;
  /** Allows writes to a leaf again; it is not sealed again for `holdSeconds`. */
  unseal(table: string, partition: string, holdSeconds: number): Promise<void>;
}

const unsealLockMs = 500;
const longestMs = 6 * 3_600_000;
const nothing = { leaves: 0, leaves_done: 0, partition: null, blocks: 0, blocks_done: 0 };

/** Verifies sealed leaves, one run at a time, and records the results. */
export function createVerifications(
  { pool, clock, log, onChange = () => {} }: {
    pool: Pool;
    clock: Clock;
    log: Logger;
    onChange?: () => void;
  },
): Verifications {
  let last: Verification | undefined;

  async function findSealed(table: string, partition: string) {
    const found = (await pool.run(listSealed)).find((row) =>
      row.sealed_at !== null && !row.ended && tableOf(row) === table &&
      (row.leaf_name === partition || `${row.leaf_schema}.${row.leaf_name}` === partition)
    );
    if (!found) throw new HoldfastError("not_found", `${partition} of ${table} is not sealed`);
    return found;
  }

  async function run(
    request: VerificationRequest,
    state: Verification,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const verdicts = await abortablePool(pool, signal).run((sql) =>
        verifySealed(sql, {
          ...request,
          signal,
          onProgress: (progress) => state.progress = progress,
          async onVerdict(verdict, { leaf_oid }) {
            state.checked++;
            if (verdict.status !== "intact") {
              state.differing++;
              log.error("sealed_partition_differs", {
                partition: verdict.partition,
                status: verdict.status,
                problems: verdict.problems.slice(0, 10),
              });
            }
            const problem = verdict.status === "intact"
              ? null
              : verdict.problems.slice(0, 5).join("; ");
            await recordVerified(sql, leaf_oid, problem, clock.now());
          },
        }), { deadlineMs: longestMs });
      state.partitions = verdicts;
      state.status = state.differing > 0 ? "failed" : "passed";
    } catch (error) {
      state.status = "aborted";
      state.error = describeDatabaseError(error);
      if (signal.aborted) log.info("verification_aborted", { error: state.error });
      else log.error("verification_aborted", { error: state.error });
    } finally {
      state.finished_at = clock.now().toISOString();
      onChange();
    }
  }

  return {
    latest: () => last,
    async verify(request, waitMs, client) {
      if (last?.status === "running") {
        throw new HoldfastError("conflict", "A verification is running; GET shows its progress", {
          retryAfterSeconds: 10,
        });
      }
      const state: Verification = {
        status: "running",
        started_at: clock.now().toISOString(),
        finished_at: null,
        table: request.table ?? null,
        progress: nothing,
        checked: 0,
        differing: 0,
        partitions: [],
        error: null,
      };
      last = state;
      const { table, partition } = request;
      try {
        if (partition !== undefined) {
          await findSealed(table ?? "", partition);
        }
      } catch (error) {
        last = undefined;
        throw error;
      }
      const ending = new AbortController();
      const leave = () => ending.abort(clientLeft());
      client?.addEventListener("abort", leave);
      if (client?.aborted) leave();
      try {
        await endsWithin(run(request, state, ending.signal), waitMs);
      } finally {
        client?.removeEventListener("abort", leave);
      }
      ending.signal.throwIfAborted();
      return state;
    },
    async manifest(table, partition) {
      const { leaf_oid } = await findSealed(table, partition);
      return Manifest.parse(await pool.run((sql) => readManifest(sql, leaf_oid)));
    },
    async unseal(table, partition, holdSeconds) {
      const found = await findSealed(table, partition);
      const leaf = found.present;
      if (!leaf) throw new HoldfastError("not_found", `${partition} does not exist any more`);
      const statements = unsealStatements(leaf);
      const started = performance.now();
      await pool.transaction(async (sql) => {
        await setLockTimeout(sql, unsealLockMs);
        await runStatements(sql, statements);
        const at = clock.now();
        await endSeal(sql, found.leaf_oid, at, new Date(at.getTime() + holdSeconds * 1_000));
        await logMaintenance(sql, [{
          action: "unseal",
          table: table,
          partition: leaf.table,
          reason: `asked for; not sealed again for ${holdSeconds} s`,
          duration_ms: performance.now() - started,
          error: null,
          sql: statements.map((one) => one.sql).join(";\n"),
        }]);
      });
      onChange();
    },
  };
}
