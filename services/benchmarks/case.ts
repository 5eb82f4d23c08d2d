import type { Sql } from "../../db/connection.ts";
import type { Category } from "./categories.ts";
import type { Latencies } from "./measuring/histogram.ts";
import type { Random } from "./measuring/random.ts";

export type ArmRole = "baseline" | "candidate";

export const profileNames = ["quick", "full"] as const;
export type ProfileName = (typeof profileNames)[number];

/** What the work of a case may use: its own connections, its own schema, seeded chance. */
export interface BenchmarkContext {
  /** A client of the run's own, at most three connections. */
  readonly sql: Sql;
  /** The run's own schema, unquoted; it is dropped whatever happens. */
  readonly schema: string;
  readonly profile: ProfileName;
  readonly seed: number;
  /** About how long one slot of a block should last, milliseconds: work that sets its own length keeps to it. */
  readonly slotMs: number;
  /** Part of its data that a case should make, from 0 to 1. */
  readonly dataShare: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  now(): number;
  /** Opens a client of `max` connections that is closed with the case, for work that is about connections. */
  connect(max: number): Sql;
  /** Closes one of them before. */
  disconnect(sql: Sql): Promise<void>;
  /** Quotes a table of the run's schema. */
  table(name: string): string;
}

export interface ArmWork {
  /** Units of work done, in the unit of the case (rows of "rows/s"). */
  units: number;
  /** What counts as work, milliseconds; without it the runner times the whole call. */
  elapsedMs?: number;
  /** The figure itself, in the unit of the case, where it is not units over time (a capacity found by a search). */
  level?: number;
  /** Latencies of single operations, counted from their scheduled start. */
  latencies?: Latencies;
}

export interface Arm<State> {
  name: string;
  /** Does one piece of work that can be repeated any number of times, ideally 1 to 100 ms long. */
  run(ctx: BenchmarkContext, state: State): Promise<ArmWork>;
  /** The tables it writes; their WAL and size then explain the result. */
  writes?: readonly string[];
  /** The query it asks, to be explained once after measuring: its plan tells why. */
  explain?(ctx: BenchmarkContext, state: State): string;
}

/** What an arm claims to have done in all, warm-up included. */
export interface Claim {
  units: number;
  runs: number;
}

export interface Verification {
  /** What is wrong, or null: a case with a problem has no result. */
  problem: string | null;
  /** Findings for the `why` of the result, as sentences without a full stop. */
  notes: string[];
}

/** One comparison, as data: two arms, how to prepare them, and how to prove that both did what they claim. */
export interface BenchmarkCase<State = unknown> {
  id: string;
  category: Category;
  title: string;
  /** Throughput, e.g. "rows/s": more is better. With `shows: "time"` milliseconds a unit of work, less is better. */
  unit: string;
  shows?: "rate" | "time";
  /** What to reach, as its category reads targets (categories.ts); settings may override it by category. */
  target: number;
  /** False for a case that informs but does not count towards its category. */
  counts: boolean;
  arms: Readonly<Record<ArmRole, Arm<State>>>;
  // Methods, not function properties, so that cases of any state fit in one list; the runner hands back only
  // what the same case's setup made.
  setup(ctx: BenchmarkContext): Promise<State>;
  verify(
    ctx: BenchmarkContext,
    state: State,
    claims: Readonly<Record<ArmRole, Claim>>,
  ): Promise<Verification>;
  teardown?(ctx: BenchmarkContext, state: State): Promise<void>;
}
