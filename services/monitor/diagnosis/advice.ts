import { bytesText } from "../../../lib/text/format.ts";
import { createHash } from "node:crypto";
import { remedies } from "../../../db/server/remedies.ts";
import { judgeMissing } from "./indexes.ts";
import type { Snapshot } from "../snapshot.ts";

/** Advice without its id, which is made from its text. */
type Draft = Omit<Recommendation, "id">;

export interface Recommendation {
  /** The same for the same title and statement. */
  id: string;
  title: string;
  detail: string;
  sql?: string;
  lock?: string;
  risk?: string;
}

/** Limit for each kind of advice; GET /api/indexes lists all of it. */
const perKind = 5;

/** Returns the indexes to drop, to rebuild and to create. */
function aboutIndexes({ view }: Snapshot): Draft[] {
  const all = view.indexes?.all ?? [];
  const withProblem = (problem: (typeof all)[number]["problems"][number]) =>
    all.filter(({ problems }) => problems.includes(problem)).slice(0, perKind);
  return [
    ...withProblem("invalid").map(({ name, cure }) => ({
      title: `Rebuild ${name}`,
      detail:
        "The index is invalid because its build failed. It slows down every write and serves no read",
      ...cure,
    })),
    ...withProblem("duplicate").map(({ name, duplicate_of, bytes, cure }) => ({
      title: `Drop ${name}`,
      detail: `It duplicates ${duplicate_of} and takes ${bytesText(bytes)}`,
      ...cure,
    })),
    ...withProblem("unused").filter(({ duplicate_of }) => duplicate_of === null)
      .map(({ name, bytes, cure }) => ({
        title: `Consider dropping ${name}`,
        detail: `Nothing has read the index (${
          bytesText(bytes)
        }) since its use has been counted on this primary, for at least a week`,
        ...cure,
      })),
    ...judgeMissing(view.rows("missing_indexes") ?? []).slice(0, perKind).map((one) => ({
      title: `Index ${one.table} (${one.columns.join(", ")})`,
      detail: one.reason,
      ...one.cure,
    })),
  ];
}

/** Returns advice about the server's settings and the role's privileges. */
function aboutServer({ metrics, readings, view }: Snapshot): Draft[] {
  const found: Draft[] = [];
  if (metrics.cache_hit_ratio !== null && metrics.cache_hit_ratio < 0.9) {
    found.push({
      title: "Raise shared_buffers",
      detail: `Only ${
        (metrics.cache_hit_ratio * 100).toFixed(1)
      }% of block reads were served from shared_buffers`,
      sql: remedies.raiseSharedBuffers,
      lock: "none",
      risk: "needs a restart of Postgres",
    });
  }
  if (readings.server.value?.[0]?.sees_all_sessions === false) {
    found.push({
      title: "Grant pg_monitor to Holdfast's role",
      detail:
        "Without it, the sessions and statements of other roles are hidden and shown as unknown",
      sql: remedies.grantMonitoring,
      lock: "none",
      risk: "allows the role to read all statistics and settings",
    });
  }
  if (readings.server.value?.[0]?.statements_version === null) {
    found.push({
      title: "Install pg_stat_statements",
      detail: "Without it, the cost of statements is unknown",
      sql: remedies.installStatements,
      lock: "none",
      risk: "needs shared_preload_libraries = 'pg_stat_statements'; setting it needs a restart",
    });
  }
  const waiting = view.rows("settings")?.filter((row) => row.pending_restart) ?? [];
  if (waiting.length > 0) {
    found.push({
      title: "Restart Postgres to apply changed settings",
      detail: `These settings are changed but not in force: ${
        waiting.map(({ name }) => name).join(", ")
      }`,
    });
  }
  return found;
}

/** Returns the id of advice, the same for the same title and statement. */
export const idOfAdvice = ({ title, sql = "" }: Pick<Draft, "title" | "sql">): string =>
  createHash("sha256").update(`${title}\n${sql}`).digest("hex").slice(0, 12);

/** Returns advice for the operator; unknown values give none. Pure. */
export function recommend(snapshot: Snapshot): Recommendation[] {
  const { metrics, pool, tables } = snapshot;
  const found: Draft[] = [];
  if (pool.waiting > 0 && (metrics.connections_utilization ?? 1) < 0.5) {
    found.push({
      title: "Raise HOLDFAST_POOL_SIZE",
      detail:
        `${pool.waiting} request(s) wait for one of ${pool.size} connections while the server allows more`,
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
  return [...found, ...aboutIndexes(snapshot)].map((one) => ({ id: idOfAdvice(one), ...one }));
}
