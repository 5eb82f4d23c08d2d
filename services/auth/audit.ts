import {
  type AuditFilter,
  type AuditRow,
  expireAuditRows,
  insertAuditRows,
  listAuditRows,
  type StoredAuditRow,
} from "../../db/audit.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import type { Pool } from "../../db/pool/pool.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { createLoop } from "../../lib/loop.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";
import type { Principal } from "./service.ts";

/** A request that asked for a change. */
export interface AuditedRequest {
  requestId: string;
  principal: Principal;
  operation: string;
  method: string;
  path: string;
  status: number;
  address: string;
}

export interface AuditPage {
  entries: StoredAuditRow[];
  /** Entries that are only in memory and the log, because the database did not take them yet. */
  waiting: number;
  /** Entries since the start that are in the log only. */
  lost: number;
}

export interface Audit {
  note(request: AuditedRequest): void;
  /** Writes what waits; what the database does not take waits on. */
  flush(): Promise<void>;
  list(filter: AuditFilter): Promise<AuditPage>;
  /** Deletes what is older than the settings allow. */
  expire(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Entries that wait in memory; past it the oldest is in the log only. */
export const waitingMax = 10_000;
const sumsMax = 1_000;
const batchMax = 500;
const sumMs = 60_000;
const flushEveryMs = 1_000;
const textMax = 300;

/** Uploads and refused requests may come by the thousand: those alike are one entry a minute. */
const isSummed = ({ operation, status }: AuditedRequest) =>
  operation === "storeTicks" || (status >= 400 && status < 500);

/** Data that the server does not take, now or later. */
const isRefusedData = (error: unknown) => /^2[23]/.test(codeOf(error) ?? "");

/** Keeps who changed what through the API: each in the log at once, and in the database as soon as it takes it. */
export function createAudit(
  { pool, access, instance, days, rowsMax, clock, log }: {
    pool: Pick<Pool, "run">;
    access: Pick<WriteAccess, "canWrite">;
    instance: string;
    days: number;
    rowsMax: number;
    clock: Clock;
    log: Logger;
  },
): Audit {
  let waiting: AuditRow[] = [];
  const sums = new Map<string, AuditRow>();
  let lost = 0;
  let flushing: Promise<void> | undefined;

  function push(row: AuditRow): void {
    const { request_id, at, until, requests, via, actor, operation, method, path, status } = row;
    const one = { request_id, at, via, actor, operation, method, path, status };
    log.info("audit", {
      ...one,
      address: row.address,
      ...(requests > 1 ? { until, requests } : {}),
    });
    waiting.push(row);
    if (waiting.length <= waitingMax) return;
    waiting.shift();
    if (lost++ % 1_000 === 0) log.error("audit_entries_lost", { count: lost, kept: waitingMax });
  }

  /** Ends sums that are a minute old, or all. */
  function closeSums(all: boolean): void {
    const now = clock.now().getTime();
    for (const [key, row] of sums) {
      // Either way: a clock that was set back must not keep one open.
      if (!all && Math.abs(now - Date.parse(row.at)) < sumMs) continue;
      sums.delete(key);
      push(row);
    }
  }

  async function write(): Promise<void> {
    while (waiting.length > 0 && access.canWrite()) {
      const batch = waiting.slice(0, batchMax);
      const written = new Set(batch);
      try {
        await pool.run((sql) => insertAuditRows(sql, batch), {
          deadlineMs: 5_000,
          signal: null,
        });
      } catch (error) {
        if (!isRefusedData(error)) throw error;
        lost += batch.length;
        log.error("audit_entries_refused", {
          count: batch.length,
          error: describeDatabaseError(error),
        });
      }
      waiting = waiting.filter((row) => !written.has(row));
    }
  }

  function flush(): Promise<void> {
    return flushing ??= write()
      .catch((error) =>
        log.debug("audit_waits", { count: waiting.length, error: describeDatabaseError(error) })
      )
      .finally(() => flushing = undefined);
  }

  async function flushDue(): Promise<void> {
    closeSums(false);
    await flush();
  }

  const loop = createLoop({ name: "audit", everyMs: flushEveryMs, job: flushDue, log });

  return {
    note(request) {
      const { requestId, principal, operation, method, path, status, address } = request;
      const at = clock.now().toISOString();
      const row: AuditRow = {
        request_id: requestId,
        instance,
        at,
        until: at,
        requests: 1,
        via: principal.via,
        actor: principal.name,
        actor_id: principal.tokenId,
        scope: principal.scope,
        operation,
        method,
        path: path.slice(0, textMax),
        status,
        address: address.slice(0, textMax),
      };
      if (!isSummed(request)) return push(row);
      const { via, actor_id } = row;
      const key = JSON.stringify([via, actor_id, operation, row.path, status, row.address]);
      const sum = sums.get(key);
      if (sum) {
        sum.requests++;
        sum.until = at;
        return;
      }
      if (sums.size >= sumsMax) closeSums(true);
      sums.set(key, row);
    },
    flush,
    async list(filter) {
      closeSums(true);
      await flush();
      const entries = await pool.run((sql) => listAuditRows(sql, filter), { deadlineMs: 5_000 });
      return { entries, waiting: waiting.length, lost };
    },
    async expire() {
      const limit = 10_000;
      let removed: number;
      do {
        removed = await pool.run((sql) => expireAuditRows(sql, { days, rowsMax, limit }), {
          deadlineMs: 30_000,
        });
      } while (removed === limit);
    },
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      closeSums(true);
      await flush();
    },
  };
}
