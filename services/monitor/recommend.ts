import type { Snapshot } from "./snapshot.ts";

export interface Recommendation {
  title: string;
  detail: string;
  sql?: string;
  lock?: string;
  risk?: string;
}

/** What an operator should consider, from what was read; nothing is guessed from values that are not known. */
export function recommend({ metrics, pool, tables, readings }: Snapshot): Recommendation[] {
  const found: Recommendation[] = [];
  if (pool.waiting > 0 && (metrics.connections_utilization ?? 1) < 0.5) {
    found.push({
      title: "Raise HOLDFAST_POOL_SIZE",
      detail:
        `${pool.waiting} request(s) wait for one of ${pool.size} connections while the server has room for more`,
    });
  }
  if (metrics.cache_hit_ratio !== null && metrics.cache_hit_ratio < 0.9) {
    found.push({
      title: "Give Postgres more cache",
      detail: `Only ${
        (metrics.cache_hit_ratio * 100).toFixed(1)
      }% of block reads came from shared_buffers`,
      sql: "alter system set shared_buffers = '25% of the memory'",
      lock: "none",
      risk: "needs a restart of Postgres",
    });
  }
  if (readings.server.value?.[0]?.sees_all_sessions === false) {
    found.push({
      title: "Grant pg_monitor to Holdfast's role",
      detail:
        "Without it, other roles' sessions and statements cannot be judged and are shown as unknown",
      sql: "grant pg_monitor to <the role Holdfast connects as>",
      lock: "none",
      risk: "lets the role read all statistics and settings",
    });
  }
  for (const table of tables) {
    if (table.partitions > 3_000) {
      found.push({
        title: `Use longer partitions for ${table.table}`,
        detail:
          `${table.partitions} partitions make every unpruned plan slow; a longer interval makes fewer`,
      });
    }
  }
  return found;
}
