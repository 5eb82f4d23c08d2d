import type { Config } from "../../config/config.ts";
import type { RequestScope } from "../../lib/request_scope.ts";
import type { Target } from "../connection.ts";
import { createPool, type PoolerMode } from "./pool.ts";

/** How long a connection of a further database may be unused before it is closed; milliseconds. */
const idleMs = 3_000;

/**
 * Opens the pools of one Holdfast: one for each kind of work, so that none can take the connections of another. For a
 * further database of the process, connections that are rarely used are closed in between: hundreds of databases may be
 * on one server.
 */
export function openPools(
  target: Target,
  pooler: PoolerMode,
  config: Config,
  { scope, isFurther = false }: {
    scope?: Pick<RequestScope, "signal">;
    isFurther?: boolean;
  } = {},
) {
  const rarely = isFurther ? { idleMs } : {};
  type Options = Omit<Parameters<typeof createPool>[0], "target" | "pooler" | "waitingMax">;
  const open = (options: Options & { waitingMax?: number }) =>
    createPool({ target, pooler, waitingMax: 100, ...options });
  /** A pool that requests read through: what is read for a request ends when its client leaves. */
  const openForReads = (options: Parameters<typeof open>[0]) =>
    open({ ...options, signal: scope?.signal });
  const requests = {
    ...rarely,
    statementTimeoutMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
    lockTimeoutMs: 10_000,
  };
  const ingest = { ...requests, applicationName: "holdfast-ingest" };
  const monitor = {
    max: 1,
    applicationName: "holdfast-monitor",
    purpose: "collector" as const,
    lockTimeoutMs: 200,
  };
  return {
    app: openForReads({
      ...requests,
      max: config.HOLDFAST_POOL_SIZE,
      applicationName: "holdfast",
      waitingMax: config.HOLDFAST_POOL_WAITING_MAX,
    }),
    // An upload holds its connection for long; on pools of their own, uploads cannot starve the short requests.
    streams: open({
      ...ingest,
      max: config.HOLDFAST_INGEST_LANES,
      waitingMax: config.HOLDFAST_INGEST_WAITING_MAX,
    }),
    groups: open({ ...ingest, max: config.HOLDFAST_INGEST_GROUP_LANES }),
    // A rotation holds one connection for its lock and works on another; uploads that lack a day must not wait for it.
    maintenance: openForReads({
      ...rarely,
      max: 4,
      applicationName: "holdfast-maintenance",
      statementTimeoutMs: 120_000,
      lockTimeoutMs: 2_000,
    }),
    // Alerts, leases and runs are saved also while requests and rotations use every connection of theirs.
    records: openForReads({
      ...rarely,
      max: 2,
      waitingMax: 200,
      applicationName: "holdfast-records",
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 2_000,
    }),
    watchFast: openForReads({ ...monitor, statementTimeoutMs: 2_000 }),
    watchSlow: open({ ...monitor, ...rarely, statementTimeoutMs: 10_000 }),
  };
}

/** Opens the pools of one standby that may answer reads; makes no connection. */
export function openStandbyPools(
  target: Target,
  config: Config,
  scope: Pick<RequestScope, "signal">,
) {
  const pooler: PoolerMode = { pooled: config.HOLDFAST_POOLER === "transaction" };
  return {
    reads: createPool({
      target,
      pooler,
      max: config.HOLDFAST_POOL_SIZE,
      waitingMax: config.HOLDFAST_POOL_WAITING_MAX,
      applicationName: "holdfast-reads",
      statementTimeoutMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: 10_000,
      signal: scope.signal,
    }),
    polls: createPool({
      target,
      pooler,
      max: 1,
      waitingMax: 1,
      applicationName: "holdfast-reads",
      statementTimeoutMs: 2_000,
      lockTimeoutMs: 200,
      connectTimeoutMs: 2_000,
    }),
  };
}

export type Pools = ReturnType<typeof openPools>;
