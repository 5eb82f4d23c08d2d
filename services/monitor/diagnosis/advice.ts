import { createHash } from "node:crypto";
import { remedies } from "../../../db/server/remedies.ts";
import { judgeMissing } from "./indexes.ts";
import type { Snapshot } from "../snapshot.ts";

/** Advice as it is found; its id is made of what it says. */
type Draft = Omit<Recommendation, "id">;

export interface Recommendation {
  /** The same for the same title and statement, whenever it is found. */
  id: string;
  title: string;
  detail: string;
  sql?: string;
  lock?: string;
  risk?: string;
}

/** Pieces of advice of one kind at most; all of them are at GET /api/indexes. */
const perKind = 5;

const megabytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MB`;

/** Indexes to drop, to build anew and to make. */
function aboutIndexes({ view }: Snapshot): Draft[] {
  const all = view.indexes?.all ?? [];
  const some = (problem: (typeof all)[number]["problems"][number]) =>
    all.filter(({ problems }) => problems.includes(problem)).slice(0, perKind);
  return [
    ...some("invalid").map(({ name, cure }) => ({
      title: `Build ${name} anew`,
      detail: "It is invalid: a build of it failed. It costs every write and serves no read",
      ...cure,
    })),
    ...some("duplicate").map(({ name, duplicate_of, bytes, cure }) => ({
      title: `Drop ${name}`,
      detail: `It is the same as ${duplicate_of} in all but name, and has ${megabytes(bytes)}`,
      ...cure,
    })),
    ...some("unused").filter(({ duplicate_of }) => duplicate_of === null)
      .map(({ name, bytes, cure }) => ({
        title: `Consider dropping ${name}`,
        detail: `Nothing has read its ${
          megabytes(bytes)
        } in the time its use was counted on this primary, a week at the least`,
        ...cure,
      })),
    ...judgeMissing(view.rows("missing_indexes") ?? []).slice(0, perKind).map((one) => ({
      title: `Index ${one.table} (${one.columns.join(", ")})`,
      detail: one.reason,
      ...one.cure,
    })),
  ];
}

/** What the server's settings and the role's rights lack. */
function aboutServer({ metrics, readings, view }: Snapshot): Draft[] {
  const found: Draft[] = [];
  if (metrics.cache_hit_ratio !== null && metrics.cache_hit_ratio < 0.9) {
    found.push({
      title: "Give Postgres more cache",
      detail: `Only ${
        (metrics.cache_hit_ratio * 100).toFixed(1)
      }% of block reads came from shared_buffers`,
      sql: remedies.raiseSharedBuffers,
      lock: "none",
      risk: "needs a restart of Postgres",
    });
  }
  if (readings.server.value?.[0]?.sees_all_sessions === false) {
    found.push({
      title: "Grant pg_monitor to Holdfast's role",
      detail:
        "Without it, other roles' sessions and statements cannot be judged and are shown as unknown",
      sql: remedies.grantMonitoring,
      lock: "none",
      risk: "lets the role read all statistics and settings",
    });
  }
  if (readings.server.value?.[0]?.statements_version === null) {
    found.push({
      title: "Install pg_stat_statements",
      detail: "Without it, no statement's cost is known",
      sql: remedies.installStatements,
      lock: "none",
      risk:
        "needs shared_preload_libraries = 'pg_stat_statements', and a restart when it is not there",
    });
  }
  const waiting = view.rows("settings")?.filter((row) => row.pending_restart) ?? [];
  if (waiting.length > 0) {
    found.push({
      title: "Restart Postgres when it suits",
      detail: `Changed, and not in force yet: ${waiting.map(({ name }) => name).join(", ")}`,
    });
  }
  return found;
}

const idOf = ({ title, sql = "" }: Draft) =>
  createHash("sha256").update(`${title}\n${sql}`).digest("hex").slice(0, 12);

/** What an operator should consider, from what was read; nothing is guessed from values that are not known. */
export function recommend(snapshot: Snapshot): Recommendation[] {
  const { metrics, pool, tables } = snapshot;
  const found: Draft[] = [];
  if (pool.waiting > 0 && (metrics.connections_utilization ?? 1) < 0.5) {
    found.push({
      title: "Raise HOLDFAST_POOL_SIZE",
      detail:
        `${pool.waiting} request(s) wait for one of ${pool.size} connections while the server has room for more`,
    });
  }
  found.push(...aboutServer(snapshot));
  for (const { recommendations, own_published } of tables) {
    found.push(...own_published.map((what) => ({
      title: "Keep Holdfast's own tables out of the publication",
      detail:
        `${what}. Publish tables or schemas by name, or make the schemas market and holdfast at the subscriber too`,
    })));
    found.push(...recommendations.map(({ title, detail }) => ({ title, detail })));
  }
  return [...found, ...aboutIndexes(snapshot)].map((one) => ({ id: idOf(one), ...one }));
}
