import type { Sql } from "../../db/connection.ts";
import type { Category } from "./categories.ts";
import type { Latencies } from "./measuring/histogram.ts";
import type { Random } from "./measuring/random.ts";

export type ArmRole = "baseline" | "candidate";

export const profileNames = ["quick", "full"] as const;
export type ProfileName = (typeof profileNames)[number];

/** What a case may use: connections and a schema of its own, and seeded random numbers. */
export interface BenchmarkContext {
  /** A client of the run with at most three connections. */
  readonly sql: Sql;
  /** The schema of the run, unquoted; it is always dropped at the end. */
  readonly schema: string;
  readonly profile: ProfileName;
  readonly seed: number;
  /** Target length of one slot, milliseconds, for work that sets its own length. */
  readonly slotMs: number;
  /** Share of its data that a case should generate, from 0 to 1. */
  readonly dataShare: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  now(): number;
  /** Opens a client of `max` connections, for cases about connections. It is closed with the case. */
  connect(max: number): Sql;
  /** Closes such a client earlier. */
  disconnect(sql: Sql): Promise<void>;
  /** Quotes a table of the run's schema. */
  table(name: string): string;
}

export interface ArmWork {
  /** Units of work done, in the unit of the case (rows of "rows/s"). */
  units: number;
  /** Duration of the work, milliseconds; by default the duration of the call. */
  elapsedMs?: number;
  /** The figure in the unit of the case, when it is not units over time (a capacity found by a search). */
  level?: number;
  /** Latencies of single operations, counted from their scheduled start. */
  latencies?: Latencies;
}

export interface Arm<State> {
  name: string;
  /** Does one piece of work, ideally of 1 to 100 ms, that can be repeated any number of times. */
  run(ctx: BenchmarkContext, state: State): Promise<ArmWork>;
  /** The tables it writes; their WAL and size are part of the evidence. */
  writes?: readonly string[];
  /** Returns its query, which is explained once after the measurement for the evidence. */
  explain?(ctx: BenchmarkContext, state: State): string;
}

/** All work that an arm claims to have done, warm-up included. */
export interface Claim {
  units: number;
  runs: number;
}

export interface Verification {
  /** What is wrong; a case with a problem has no result. */
  problem: string | null;
  /** Findings for the `why` of the result, as sentences without a full stop. */
  notes: string[];
}

/** A comparison of two arms: their setup, their work, and the proof that both did what they claim. */
export interface BenchmarkCase<State = unknown> {
  id: string;
  category: Category;
  title: string;
  /** Throughput such as "rows/s", more is better. With `shows: "time"` milliseconds per unit of work, less is better. */
  unit: string;
  shows?: "rate" | "time";
  /** The target, in the unit of its category (categories.ts); settings can override it by category. */
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
