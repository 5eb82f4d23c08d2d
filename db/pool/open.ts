import type { Config } from "../../config/config.ts";
import type { RequestScope } from "../../lib/request_scope.ts";
import type { Target } from "../connection.ts";
import { createPool, type PoolerMode } from "./pool.ts";

/** Opens the pools of one Holdfast: one for each kind of work, so that none can take the connections of another. */
export function openPools(
  target: Target,
  pooler: PoolerMode,
  config: Config,
  scope?: Pick<RequestScope, "signal">,
) {
  const common = { target, pooler, waitingMax: 100 };
  return {
    app: createPool({
      ...common,
      max: config.HOLDFAST_POOL_SIZE,
      applicationName: "holdfast",
      statementTimeoutMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: 10_000,
      waitingMax: config.HOLDFAST_POOL_WAITING_MAX,
      signal: scope?.signal,
    }),
    // Uploads hold a connection for long; with one of their own they cannot starve the short requests.
    streams: createPool({
      ...common,
      max: config.HOLDFAST_INGEST_LANES,
      applicationName: "holdfast-ingest",
      statementTimeoutMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: 10_000,
      waitingMax: config.HOLDFAST_INGEST_WAITING_MAX,
    }),
    groups: createPool({
      ...common,
      max: config.HOLDFAST_INGEST_GROUP_LANES,
      applicationName: "holdfast-ingest",
      statementTimeoutMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: 10_000,
    }),
    // A rotation holds one for its lock and works on another; uploads that lack a day must not wait for it.
    maintenance: createPool({
      ...common,
      max: 4,
      applicationName: "holdfast-maintenance",
      statementTimeoutMs: 120_000,
      lockTimeoutMs: 2_000,
    }),
    // Alerts, leases and runs are saved also while requests and rotations use every connection of theirs.
    records: createPool({
      ...common,
      max: 2,
      waitingMax: 200,
      applicationName: "holdfast-records",
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 2_000,
    }),
    watchFast: createPool({
      ...common,
      max: 1,
      applicationName: "holdfast-monitor",
      purpose: "collector",
      statementTimeoutMs: 2_000,
      lockTimeoutMs: 200,
    }),
    watchSlow: createPool({
      ...common,
      max: 1,
      applicationName: "holdfast-monitor",
      purpose: "collector",
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 200,
    }),
  };
}

export type Pools = ReturnType<typeof openPools>;
