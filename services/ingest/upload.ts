import { HoldfastError, type InputProblem } from "../../errors.ts";
import type { Refusal, RowBatch } from "./tick.ts";

const problemsShown = 20;
/** A body that starts with this many bad rows and no good one is no tick file. */
const hopelessRows = 1_000;

export interface IngestRequest {
  batches: AsyncIterable<RowBatch>;
  create: boolean;
  backfill: boolean;
  idempotencyKey: string | undefined;
  /** What the body was; complete once the batches have been read. */
  fingerprint: () => string;
  /** Aborts when the sender leaves before it has its answer: what is not stored by then is given up. */
  signal?: AbortSignal | undefined;
}

export interface IngestAnswer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
  /** The first refused rows, when any were. */
  errors?: InputProblem[];
}

export function rowsOf({ ticks, refusals }: RowBatch): number {
  return ticks.length + refusals.length;
}

/** Running counts of one upload, and the judgement whether its body was ticks at all. */
export function createTally() {
  let accepted = 0;
  let quarantined = 0;
  let malformed = 0;
  const problems: InputProblem[] = [];
  const reasons: Record<string, number> = {};

  /** A body with not one well-formed row is the sender's mistake: refused whole, nothing stored. */
  function refuseHopeless(): void {
    if (accepted > 0 || quarantined === 0 || malformed < quarantined) return;
    const first = problems[0];
    throw new HoldfastError(
      "malformed_body",
      `No row of the body is a tick; line ${first?.line}: ${first?.message}`,
      { problems },
    );
  }

  return {
    add(stored: number, refusals: readonly Refusal[]): void {
      accepted += stored;
      quarantined += refusals.length;
      for (const { line, path, message, reason, malformed: bad } of refusals) {
        if (bad) malformed++;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
        if (problems.length < problemsShown) problems.push({ line, path, message });
      }
      if (quarantined >= hopelessRows) refuseHopeless();
    },
    refuseHopeless,
    reasons,
    answer: (): IngestAnswer => ({
      accepted,
      quarantined,
      replayed: false,
      ...(quarantined > 0 ? { errors: problems } : {}),
    }),
  };
}

export type Tally = ReturnType<typeof createTally>;
