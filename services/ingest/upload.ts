import { HoldfastError, type InputProblem } from "../../errors.ts";
import type { Refusal, RowBatch } from "./tick.ts";

const problemsShown = 20;
/** A body that begins with this many malformed rows and no tick is refused. */
const malformedRowsMax = 1_000;

export interface IngestRequest {
  batches: AsyncIterable<RowBatch>;
  create: boolean;
  backfill: boolean;
  idempotencyKey: string | undefined;
  /** Returns a hash of the body; call it when all batches have been read. */
  fingerprint: () => string;
  /** Aborts when the client leaves before its answer: what is not stored by then is dropped. */
  signal?: AbortSignal | undefined;
}

export interface IngestAnswer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
  /** The first refused rows, when any were. */
  errors?: InputProblem[];
}

/** Called with what was stored once it is committed; `reasons` counts refused rows. */
export type Committed = (answer: IngestAnswer, reasons: Record<string, number>) => void;

export function rowsOf({ ticks, refusals }: RowBatch): number {
  return ticks.length + refusals.length;
}

/** Counts the rows of one upload and refuses a body that holds no tick. */
export function createTally() {
  let accepted = 0;
  let quarantined = 0;
  let malformed = 0;
  const problems: InputProblem[] = [];
  const reasons: Record<string, number> = {};

  /** Throws `malformed_body` when not one row was well-formed. */
  function refuseWithoutTicks(): void {
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
      if (quarantined >= malformedRowsMax) refuseWithoutTicks();
    },
    refuseWithoutTicks,
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
