/** Whether the server answers, as the fast tier finds it. Times are milliseconds since 1970. */
export interface ReachabilityState {
  /** When the server last answered the fast tier; undefined before the first answer. */
  checkedAt: number | undefined;
  /** The error of the last run of the fast tier, and since when there has been one. */
  unreachable: { since: number; error: string } | undefined;
  /** Whether the server answers again and its tables have not been read since: it may be another server. */
  justBack: boolean;
}

export const neverReached: ReachabilityState = {
  checkedAt: undefined,
  unreachable: undefined,
  justBack: false,
};

/** Returns the state after an answer at `at`; `tablesKnown`: tables were read before. Pure. */
export function afterAnswer(
  { unreachable, justBack }: ReachabilityState,
  at: number,
  tablesKnown: boolean,
): ReachabilityState {
  return {
    checkedAt: at,
    unreachable: undefined,
    justBack: justBack || unreachable !== undefined && tablesKnown,
  };
}

/** Returns the state after a run at `at` that the server did not answer. Pure. */
export function afterFailure(
  state: ReachabilityState,
  at: number,
  error: string,
): ReachabilityState {
  return { ...state, unreachable: { since: state.unreachable?.since ?? at, error } };
}
