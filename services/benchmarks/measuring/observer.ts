import {
  countLeaves,
  explainJson,
  readWaits,
  readWalBytes,
  relationBytes,
} from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext, Claim } from "../case.ts";
import { type ArmEvidence, emptyEvidence } from "../reporting/evidence.ts";
import type { AroundSlot } from "./measure.ts";
import { readPlan } from "./plan.ts";

export interface Observer {
  around: AroundSlot;
  /** Returns the evidence of both arms after the last slot. */
  evidence(
    claims: Readonly<Record<ArmRole, Claim>>,
    state: unknown,
  ): Promise<Record<ArmRole, ArmEvidence>>;
}

const sampleEveryMs = 50;
const roles = ["baseline", "candidate"] as const;

/**
 * Measures what each arm costs the server: WAL and storage per unit, the wait events of its sessions, and the plan of its
 * query. The WAL position is that of the whole server, so other writers add to both arms. `watching` is a connection apart
 * from those of the work.
 */
export function createObserver(
  bench: BenchmarkCase,
  ctx: BenchmarkContext,
  watching: Sql,
): Observer {
  const { sql, schema } = ctx;
  const waits: Record<ArmRole, Map<string, number>> = {
    baseline: new Map(),
    candidate: new Map(),
  };
  const wal = { baseline: { bytes: 0, units: 0 }, candidate: { bytes: 0, units: 0 } };

  /** Samples the wait events of the sessions. Returns what stops it and waits for the last sample. */
  function sampleWaits(role: ArmRole): () => Promise<void> {
    let stopped = false;
    let sampling = Promise.resolve();
    const timer = setInterval(() => {
      if (stopped) return;
      sampling = sampling.then(async () => {
        if (stopped) return;
        for (const what of await readWaits(watching)) {
          waits[role].set(what, (waits[role].get(what) ?? 0) + 1);
        }
      }).catch(() => {}); // a fault that matters fails the work itself
    }, sampleEveryMs);
    return () => {
      stopped = true;
      clearInterval(timer);
      return sampling;
    };
  }

  async function read(role: ArmRole, claim: Claim, state: unknown): Promise<ArmEvidence> {
    const arm = bench.arms[role];
    const found = emptyEvidence(arm.name);
    if (arm.writes) {
      const size = await relationBytes(sql, schema, arm.writes);
      found.wal_bytes_per_unit = wal[role].bytes / wal[role].units;
      found.table_bytes_per_unit = size.table / claim.units;
      found.index_bytes_per_unit = size.index / claim.units;
    }
    const samples = [...waits[role].values()].reduce((sum, count) => sum + count, 0);
    found.waits = Object.fromEntries(
      [...waits[role]].map(([what, count]) => [what, Math.round(count / samples * 1_000) / 1_000]),
    );
    const query = arm.explain?.(ctx, state);
    const facts = query === undefined ? undefined : readPlan(await explainJson(sql, query));
    if (facts && query !== undefined) {
      const { pruned, ...rest } = facts;
      Object.assign(found, rest);
      const leaves = await countLeaves(sql, schema, query);
      found.partitions_pruned = leaves === 0
        ? 0
        : Math.max(pruned, leaves - facts.relations_scanned);
    }
    return found;
  }

  return {
    async around(role, slot) {
      const writes = bench.arms[role].writes !== undefined;
      const before = writes ? await readWalBytes(sql) : 0;
      const stop = sampleWaits(role);
      try {
        const work = await slot();
        if (writes) {
          wal[role].bytes += await readWalBytes(sql) - before;
          wal[role].units += work.units;
        }
        return work;
      } finally {
        await stop();
      }
    },
    async evidence(claims, state) {
      const [baseline, candidate] = [
        await read(roles[0], claims.baseline, state),
        await read(roles[1], claims.candidate, state),
      ];
      return { baseline, candidate };
    },
  };
}
