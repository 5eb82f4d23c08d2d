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
  /** Reads what is left to read after the last slot. */
  evidence(
    claims: Readonly<Record<ArmRole, Claim>>,
    state: unknown,
  ): Promise<Record<ArmRole, ArmEvidence>>;
}

const lookEveryMs = 50;
const roles = ["baseline", "candidate"] as const;

/**
 * Reads what each arm costs the server: WAL and storage per unit, what its sessions wait for, and the plan of its
 * query. The WAL position is the whole server's, so other writers add to it; both arms share that. `watching` is a
 * connection beside the work's own.
 */
export function createObserver(
  bench: BenchmarkCase,
  ctx: BenchmarkContext,
  watching: Sql,
): Observer {
  const { sql, schema } = ctx;
  const looked: Record<ArmRole, Map<string, number>> = {
    baseline: new Map(),
    candidate: new Map(),
  };
  const wal = { baseline: { bytes: 0, units: 0 }, candidate: { bytes: 0, units: 0 } };

  /** Looks at the sessions until told to stop, and answers when the last look is over. */
  function lookAtWaits(role: ArmRole): () => Promise<void> {
    let stopped = false;
    let looking = Promise.resolve();
    const timer = setInterval(() => {
      if (stopped) return;
      looking = looking.then(async () => {
        if (stopped) return;
        for (const what of await readWaits(watching)) {
          looked[role].set(what, (looked[role].get(what) ?? 0) + 1);
        }
      }).catch(() => {}); // a look that fails says nothing; the work itself will tell
    }, lookEveryMs);
    return () => {
      stopped = true;
      clearInterval(timer);
      return looking;
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
    const looks = [...looked[role].values()].reduce((sum, count) => sum + count, 0);
    found.waits = Object.fromEntries(
      [...looked[role]].map(([what, count]) => [what, Math.round(count / looks * 1_000) / 1_000]),
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
      const stop = lookAtWaits(role);
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
