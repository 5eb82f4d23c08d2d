import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError, isAnswer, isUnreachable } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Reading } from "./reading.ts";

/**
 * The result of one query: rows (`read`), an error of this statement (`refused`), no connection of our own in time or an
 * error of our own (`unasked`), a connection that was lost or refused (`lost`), or no answer within our deadline (`silent`).
 */
export interface Outcome {
  kind: "read" | "refused" | "unasked" | "lost" | "silent";
  error?: string;
  /** Whether the connection was lost before and had to be opened again. */
  reconnected?: boolean;
}

/** Our deadline is later than the server's own timeout: when it passes, the connection is broken. */
function isSilence(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "deadline_exceeded" &&
    error.cause === undefined;
}

function outcomeOf(error: unknown): Outcome["kind"] {
  if (isUnreachable(error)) return "lost";
  if (isSilence(error)) return "silent";
  return isAnswer(error) ? "refused" : "unasked";
}

/**
 * Runs one query and records in `reading` its value and duration, or why there is no value. Waits up to `deadlineMs` for a
 * connection and then as long for the answer: the time in our own queue says nothing about the server.
 */
export async function takeReading<T>(
  reading: Reading<T>,
  pool: Pool,
  clock: Clock,
  deadlineMs: number,
  ask: (sql: Sql) => Promise<T>,
): Promise<Outcome> {
  // The duration begins with the connection, not with the wait for it.
  let started: number | undefined;
  const timed = (sql: Sql) => {
    started = performance.now();
    return ask(sql);
  };
  try {
    reading.value = await pool.run(timed, { deadlineMs, workMs: deadlineMs });
    reading.at = clock.now().getTime();
    reading.error = undefined;
    reading.unasked = false;
    reading.refusal = undefined;
    return { kind: "read" };
  } catch (caught) {
    const error = describeDatabaseError(caught);
    const at = clock.now().getTime();
    const kind = outcomeOf(caught);
    const unasked = kind === "unasked" && started === undefined;
    Object.assign(reading, { error, errorAt: at, unasked });
    if (kind === "refused" || kind === "unasked" && !unasked) reading.refusal = { error, at };
    return { kind, error };
  } finally {
    reading.durationMs = started === undefined ? undefined : performance.now() - started;
  }
}
