import type { Logger } from "../../log.ts";
import type { Outcome } from "./execution/outcome.ts";
import type { TableFacts } from "./planning/facts.ts";
import type { Plan } from "./planning/planner.ts";
import type { Skipped, Step } from "./planning/step.ts";
import { leftUnproven } from "./restraint/holds.ts";
import type { Setbacks } from "./restraint/setbacks.ts";
import type { RotationPlan } from "./rotation_plan.ts";

export interface RotationResult {
  created: string[];
  detached: string[];
  errors: string[];
}

/** What a run needs of the rotation. */
export interface RotationTools {
  plan(): Promise<RotationPlan>;
  execute(plan: Plan): Promise<Outcome>;
  /** Updates the records of detached leaves by the plan's time; returns how many changed. */
  reconcileTrusted(): Promise<number>;
  isTrusted(): boolean;
  recordPositions(facts: readonly TableFacts[]): Promise<void>;
  setbacks: Setbacks;
  nowMs(): number;
  log: Logger;
}

/** After a detach a second round may archive, move or drop the leaf, and a third one may drop what was archived. */
const roundsMax = 3;
const freed = new Set(["archive", "move", "drop"]);
const freeing = new Set(["detach", "finalize", "archive"]);
const idOf = ({ action, oid }: Step) => `${action} ${oid}`;

/** One scheduled rotation: plans and carries out in rounds, and collects what was done and what was left out. */
export class RotationRun {
  readonly #tools: RotationTools;
  readonly #result: RotationResult;
  readonly #tried = new Set<string>();
  readonly #unproven: Outcome["unproven"] = [];

  /** `result` is added to as the run goes, so that it holds what was done before an error. */
  constructor(tools: RotationTools, result: RotationResult) {
    this.#tools = tools;
    this.#result = result;
  }

  /** Runs all rounds. Returns the first plan, and the leaves that could not be sealed, archived or dropped. */
  async run(): Promise<{ first: RotationPlan; unproven: Outcome["unproven"] }> {
    const first = await this.#firstPlan();
    let current = first;
    for (let round = 0; round < roundsMax; round++) {
      if (round > 0) current = await this.#tools.plan();
      const { applied, aborted } = await this.#round(current, round);
      if (aborted || !applied.some(({ action }) => freeing.has(action))) break;
    }
    return { first, unproven: this.#unproven };
  }

  /** Plans, records the time of the plan, and plans again when a trusted time ended a cool-down. */
  async #firstPlan(): Promise<RotationPlan> {
    const { plan, isTrusted, reconcileTrusted } = this.#tools;
    const first = await plan();
    await first.recordTime(false);
    return isTrusted() && await reconcileTrusted() > 0 ? await plan() : first;
  }

  async #round({ facts, plan, warnings }: RotationPlan, round: number): Promise<Outcome> {
    const { setbacks, nowMs, execute, recordPositions } = this.#tools;
    const atMs = nowMs();
    // Later rounds are for what the first one set free, not for what has just failed.
    const due = plan.steps.filter((step) =>
      round === 0 || freed.has(step.action) && !this.#tried.has(idOf(step))
    );
    const { steps, skipped: leftOut } = setbacks.sift(due, facts, atMs);
    for (const step of steps) this.#tried.add(idOf(step));
    this.#collectLeftOut(due, steps, leftOut);
    const outcome = await execute({ ...plan, steps });
    this.#unproven.push(...outcome.unproven);
    for (const { step, reason } of outcome.refused) setbacks.record(step, facts, reason, atMs);
    if (round === 0) {
      await recordPositions(facts);
      this.#logLeftOut([...warnings, ...outcome.skipped, ...leftOut]);
    }
    this.#collect(outcome);
    return outcome;
  }

  /** Collects the steps that are left out because they would fail again; `reasons` are in the order of the steps. */
  #collectLeftOut(due: readonly Step[], steps: readonly Step[], reasons: readonly Skipped[]): void {
    const kept = new Set(steps);
    for (const [at, step] of due.filter((one) => !kept.has(one)).entries()) {
      this.#unproven.push(...leftUnproven(step, reasons[at]?.reason ?? ""));
    }
  }

  #logLeftOut(skipped: readonly Skipped[]): void {
    if (skipped.length === 0) return;
    const reasons = skipped.map(({ table, reason }) => `${table}: ${reason}`);
    this.#tools.log.warn("rotation_left_out", { reasons });
  }

  #collect({ applied, errors }: Outcome): void {
    const named = (action: string) =>
      applied.filter((step) => step.action === action).map(({ partition }) => partition.name);
    this.#result.created.push(...named("attach"));
    this.#result.detached.push(...named("detach"), ...named("finalize"));
    this.#result.errors.push(...errors);
  }
}
