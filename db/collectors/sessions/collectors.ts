import { always, collectorOf } from "../collector.ts";
import activity from "./activity.sql" with { type: "text" };
import locks from "./locks.sql" with { type: "text" };
import progress from "./progress.sql" with { type: "text" };
import xminHorizon from "./xmin_horizon.sql" with { type: "text" };

/** Sessions, locks and maintenance commands under way. */
export const sessionCollectors = [
  collectorOf<{
    used: number;
    limit: number;
    active: number;
    idle: number;
    idle_in_transaction: number;
    idle_in_transaction_aborted: number;
    hidden: number;
    blocked: number;
    longest_transaction_seconds: number;
    longest_idle_in_transaction_seconds: number;
    /** At most five, the oldest first. */
    oldest_transactions: {
      pid: number;
      user: string | null;
      application: string;
      state: string | null;
      open_seconds: number;
      in_state_seconds: number;
      query: string;
    }[];
  }>()({
    name: "activity",
    tier: "fast",
    grant: "pg_monitor",
    questions: always(activity),
    foreign: ["query", "user"],
  }),
  collectorOf<{
    pid: number;
    state: string | null;
    query: string | null;
    user: string | null;
    application: string | null;
    backend_start: string | null;
    age_seconds: number | null;
    waited_seconds: number | null;
    /** The mode it waits for. */
    wanted_mode: string | null;
    /** The table, or the kind of lock, that it waits for. */
    wanted: string | null;
    /** 0 stands for a prepared transaction, which has no session. */
    blockers: number[];
  }>()({
    name: "locks",
    tier: "fast",
    grant: "pg_monitor",
    questions: always(locks),
    foreign: ["query", "user"],
  }),
  collectorOf<{
    kind: string;
    name: string;
    owner: string;
    xids: number;
    seconds: number | null;
  }>()({
    name: "xmin_horizon",
    tier: "stats",
    grant: "pg_monitor",
    questions: always(xminHorizon),
    foreign: ["name", "owner"],
  }),
  collectorOf<{
    command: string;
    pid: number;
    table: string | null;
    phase: string | null;
    done: number | null;
    total: number | null;
    index_passes: number | null;
    seconds: number | null;
  }>()({ name: "progress", tier: "stats", questions: always(progress) }),
];
